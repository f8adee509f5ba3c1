/* SPDX-License-Identifier: MIT */
/* The built-in demangler: C++ (Itanium), Rust (legacy and v0) and D. Without libiberty in the build it knows no mangled name. */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

#include <walkback/symbolize.h>

enum {
	WB_DEMANGLE_INPUT_MAX = 64 << 10, /* longer names stay as they are */
	WB_DEMANGLE_OUTPUT_MAX = 1 << 20, /* longer results too: repetition in a name can make them grow exponentially */
};

/* Demangles name into buffer, always terminated on success. Handles what toolchains append: "@plt" and versions are kept out of the
 * demangler's sight ("@plt" is put back), ".llvm.123" is dropped, ".cold", ".part.0", ".constprop.0", ".isra.0" become " [clone .cold]".
 * WB_NONE: not a mangled name, too long, nested too deeply, or the result does not fit. arg is not used. A wb_demangle_fn. */
enum wb_err wb_demangle_builtin(void *arg, const char *name, char *buffer, size_t size);

#endif
