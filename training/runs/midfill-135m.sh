#!/bin/sh
# The run of the default model: SmolLM2-135M trained further with NTP, FIM and SFIM on permissively licensed code.
#
#   midfill-135m.sh prepare BIN OUT [BENCHMARK...]   corpus and rows; hours on two cores, less on many
#   midfill-135m.sh gpu BIN OUT                      one H200: 22 minutes of training, in slices of 9 when called again
#   midfill-135m.sh cpu BIN OUT                      two cores: 90 minutes, some 0.7 M tokens
#   midfill-135m.sh finish BIN OUT                   GGUFs, proved
#
# BIN is the folder of the midfill commands. Every step goes on where it stopped; LOG.md has what was tried.
set -eu
step=$1 bin=$2 out=$3
shift 3
here=$(dirname "$0")
config=$here/../configs/midfill-135m.toml
train=$bin/midfill-train
limit=

prepare() {
    if [ $# -gt 0 ]; then set -- --decontaminate "$@"; fi
    "$train" fetch "$here/midfill-135m-corpus.toml" -o "$out/archives"
    "$train" corpus "$out/archives" -o "$out/corpus" --config "$config" --tasks 64 "$@"
    [ -d "$out/base" ] || "$train" restore "$("$bin/midfill" model path smollm2-135m)" -o "$out/base"
    [ -d "$out/tokenizer" ] || "$train" tokenizer --from "$out/base" -o "$out/tokenizer"
    "$train" pack "$out/corpus" -o "$out/rows" --tokenizer "$out/tokenizer" --config "$config"
}

pretrain() {
    $limit "$train" pretrain "$out/rows" -o "$out/run" --from "$out/base" --tokenizer "$out/tokenizer" --config "$config" "$@"
}

# IQ4_NL: as small as Q4_1, with which llama.cpp reads prompts more slowly.
finish() {
    for type in bf16 q8_0 iq4_nl; do
        "$train" export "$out/run/model" -o "$out/midfill-135m-$type.gguf" --type $type --name midfill-135m \
            --licence apache-2.0 --force
    done
    "$train" verify "$out/run/model" "$out/midfill-135m-q8_0.gguf"
}

set -x
case $step in
    prepare) prepare "$@" ;;
    # A borrowed machine gives ten minutes a command: SIGTERM makes a checkpoint, and the same command goes on.
    gpu) limit="timeout -s TERM 530"; pretrain --minutes 22 ;;
    cpu) pretrain --minutes 90 --set training.batch_rows=8 --set machine.micro_rows=2 --set machine.compile=false \
            --set machine.valid_rows=16 ;;
    finish) finish ;;
    *) echo "no step $step: prepare, gpu, cpu or finish" >&2; exit 2 ;;
esac
