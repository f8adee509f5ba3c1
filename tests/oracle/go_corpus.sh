#!/bin/sh
# SPDX-License-Identifier: MIT
# The goroutines of the corpus' cores against what the runtime printed of them.
#
# usage: go_corpus.sh TEST_GO_TRACEBACK PROJECT
# MESON_EXE_WRAPPER: the emulator's command line, where the test is for another machine.
set -u
corpus=${WALKBACK_CORPUS:-$2/../shared/corpus}/go
[ -d "$corpus" ] || { echo "no corpus"; exit 77; }
status=0
for folder in "$corpus"/amd64-* "$corpus"/arm64-*; do
    ${MESON_EXE_WRAPPER-} "$1" "$folder/exe.zst" "$folder/core.zst" "$folder/traceback.txt" || status=$?
done
exit $status
