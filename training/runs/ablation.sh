#!/bin/sh
# What the objectives and the order of files are worth: the same small run four times, at equal tokens from one corpus.
#
#   sfim      the shares of CONFIG, files of a project together and in its orders
#   fim       the same without syntax: plain FIM in the place of SFIM
#   ntp       next tokens alone
#   shuffled  as sfim, but from files of all projects mixed
#
# All are judged on the same rows, those that packing `sfim` holds out. No pieces of other files stand in front of holes
# anywhere: only what the order brings together can help.
#
# Usage: ablation.sh BIN CORPUS TOKENIZER CONFIG OUT STEPS [MODEL]; with MODEL the runs start from it, else from nothing.
# Run again, it goes on where it stopped.
set -eu
bin=$1 corpus=$2 tokenizer=$3 config=$4 out=$5 steps=$6 model=${7:-}
train=$bin/midfill-train
rows=$out/rows

pack() {
    from=$1 name=$2
    shift 2
    "$train" pack "$from" -o "$rows/$name" --tokenizer "$tokenizer" --config "$config" --set packing.context_share=0 "$@"
}

pretrain() {
    "$train" pretrain "$rows/$1" -o "$out/$1" --valid "$rows/sfim" --tokenizer "$tokenizer" --config "$config" \
        --steps "$steps" --minutes 0 ${model:+--from "$model"}
}

set -x
"$bin/python" "$(dirname "$0")/shuffle_corpus.py" "$corpus" "$out/corpus" "$config"
pack "$corpus" sfim
pack "$corpus" fim --set objectives.fim=0.8 --set objectives.sfim=0
pack "$corpus" ntp --set objectives.ntp=1 --set objectives.fim=0 --set objectives.sfim=0
pack "$out/corpus" shuffled --holdout none
for name in sfim fim ntp shuffled; do pretrain "$name"; done
set +x
"$train" runs "$out/sfim" "$out/fim" "$out/ntp" "$out/shuffled"
