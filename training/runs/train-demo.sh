#!/bin/sh
# From three pinned projects to a model that the language server completes with; 6 to 10 minutes on two cores.
# Usage: train-demo.sh MIDFILL_BIN_FOLDER [OUTPUT]. Run again, it goes on where it stopped.
set -eu
bin=$1
out=${2:-.cache/train-demo}
here=$(dirname "$0")
config=$here/../configs/tiny.toml
train=$bin/midfill-train
model=$out/midfill-tiny.gguf

set -x
"$train" fetch "$here/train-demo.toml" -o "$out/archives"
"$train" corpus "$out/archives" -o "$out/corpus" --config "$config" --tasks 2
"$train" tokenizer "$out/corpus" -o "$out/tokenizer" --config "$config"
"$train" pack "$out/corpus" -o "$out/rows" --tokenizer "$out/tokenizer" --config "$config"
"$train" pretrain "$out/rows" -o "$out/run" --tokenizer "$out/tokenizer" --config "$config"
"$train" export "$out/run/model" -o "$model" --type f16 --name midfill-tiny --force
"$train" verify "$out/run/model" "$model"
"$train" inspect "$model"
set +x

# What it has picked up, at three places of a file that none of the projects has; then over LSP, as an editor asks it. A
# model that got little time, because the machine was busy, finds no end to what it writes, and nothing of that is shown:
# the perplexities above tell how far it came.
cat > "$out/basket.py" <<'END'
"""A basket of things to buy."""

import typing as t


class Basket:
    def __init__(self, name: str) ->
        self.name =
        self.items: t.List[str] = []

    def first(self) -> t.Optional[str]:
        if self.items is
            return None
        return self.items[0]
END
for line in 7 8 12; do
    echo
    "$bin/midfill" complete "$out/basket.py:$line" --model "$model"
done
echo
"$bin/midfill" bench typing --model "$model"
