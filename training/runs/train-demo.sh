#!/bin/sh
# From three pinned projects to a model that the language server completes with; about 10 minutes on two cores.
# Usage: train-demo.sh MIDFILL_BIN_FOLDER [OUTPUT]. Run again, it goes on where it stopped.
set -eu
bin=$1
out=${2:-.cache/train-demo}
here=$(dirname "$0")
config=$here/../configs/tiny.toml
train=$bin/midfill-train

set -x
"$train" fetch "$here/train-demo.toml" -o "$out/archives"
"$train" corpus "$out/archives" -o "$out/corpus" --config "$config" --tasks 2
"$train" tokenizer "$out/corpus" -o "$out/tokenizer" --config "$config"
"$train" pack "$out/corpus" -o "$out/rows" --tokenizer "$out/tokenizer" --config "$config"
"$train" pretrain "$out/rows" -o "$out/run" --tokenizer "$out/tokenizer" --config "$config"
"$train" export "$out/run/model" -o "$out/midfill-tiny.gguf" --type f16 --name midfill-tiny --force
"$train" verify "$out/run/model" "$out/midfill-tiny.gguf"
"$train" inspect "$out/midfill-tiny.gguf"
"$bin/midfill" bench typing --model "$out/midfill-tiny.gguf"
