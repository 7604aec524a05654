#!/bin/sh
# The run of the default model: SmolLM2-135M trained further with NTP, FIM and SFIM on permissively licensed code.
#
#   midfill-135m.sh prepare BIN OUT [BENCHMARK...]   corpus and rows; hours on two cores, less on many
#   midfill-135m.sh gpu BIN OUT                      one H200: 22 minutes of training, in slices of 9 when called again
#   midfill-135m.sh cpu BIN OUT                      two cores: 90 minutes, about a million tokens of four shards
#   midfill-135m.sh finish BIN RUN                   GGUFs of OUT/gpu or OUT/cpu, proved
#
# BIN is the folder of the midfill commands. Every step goes on where it stopped; LOG.md has what was tried.
set -eu
step=$1 bin=$2 out=$3
shift 3
here=$(dirname "$0")
config=$here/../configs/midfill-135m.toml
train=$bin/midfill-train
limit=
# Of the 64 shards, these have every language between them.
cpu_shards="00008 00027 00055 00062"

corpus() {
    if [ $# -gt 0 ]; then set -- --decontaminate "$@"; fi
    "$train" fetch "$here/midfill-135m-corpus.toml" -o "$out/archives"
    "$train" corpus "$out/archives" -o "$out/corpus" --config "$config" --tasks 64 "$@"
    [ -d "$out/base" ] || "$train" restore "$("$bin/midfill" model path smollm2-135m)" -o "$out/base"
    [ -d "$out/tokenizer" ] || "$train" tokenizer --from "$out/base" -o "$out/tokenizer"
}

pack() {
    "$train" pack "$out/$1" -o "$out/$2" --tokenizer "$out/tokenizer" --config "$config"
}

pretrain() {
    $limit "$train" pretrain "$out/$1" -o "$out/$2" --minutes "$3" --from "$out/base" --tokenizer "$out/tokenizer" \
        --config "$config"
}

# IQ4_NL: as small as Q4_1, with which llama.cpp reads prompts more slowly.
finish() {
    for type in bf16 q8_0 iq4_nl; do
        "$train" export "$out/model" -o "$out/midfill-135m-$type.gguf" --type $type --name midfill-135m \
            --licence apache-2.0 --force
    done
    "$train" verify "$out/model" "$out/midfill-135m-q8_0.gguf"
}

set -x
case $step in
    prepare)
        corpus "$@"
        pack corpus rows ;;
    gpu)
        # A borrowed machine gives ten minutes a command: SIGTERM makes a checkpoint, and the same command goes on.
        limit="timeout -s TERM 530"
        pretrain rows gpu 22 ;;
    cpu)
        config=$here/../configs/midfill-135m-cpu.toml
        mkdir -p "$out/corpus-cpu"
        for shard in $cpu_shards; do ln -sf "../corpus/$shard.jsonl.gz" "$out/corpus-cpu/"; done
        pack corpus-cpu rows-cpu
        pretrain rows-cpu cpu 90 ;;
    finish) finish ;;
    *) echo "no step $step: prepare, gpu, cpu or finish" >&2; exit 2 ;;
esac
