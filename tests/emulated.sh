#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the command where it was built for another machine than this one.
exec @EMULATOR@ "@PROGRAM@" "$@"
