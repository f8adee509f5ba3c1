/* SPDX-License-Identifier: MIT */
/*
 * The only includer of libiberty. Names come from hostile files, so its work is bounded here: input and output sizes, and nesting by
 * libiberty's own limit (DEMANGLE_RECURSION_LIMIT), which is never switched off for names that could nest more deeply.
 */
#include "symbols/demangle.h"

#include "base/mem.h"

#include "config.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct output {
	char *buffer;
	size_t size, used;
	jmp_buf overflow;
};

/* libiberty's printers cannot be told to stop, and on repetitive names they would go on for ever. They hold no memory but their stack
 * while they print (identifiers in punycode excepted, which only a hostile file combines with an overflow), so leaving by longjmp is fine. */
static void append(const char *text, size_t size, void *arg)
{
	struct output *output = arg;

	if (size >= output->size - output->used)
		longjmp(output->overflow, 1);
	if (size == 0)
		return; /* text may be NULL then */
	memcpy(output->buffer + output->used, text, size);
	output->used += size;
}

#if WB_HAVE_LIBIBERTY
#include <libiberty/demangle.h>

enum {
	OPTIONS = DMGL_PARAMS | DMGL_ANSI,
	UNBOUNDED_RUST_MAX = 1 << 10, /* each level of nesting takes at least one byte, and some 200 bytes of stack */
	LONG_INPUT_MAX = 8 << 10,     /* of names that libiberty refuses by length alone; bounds its stack: 64 bytes per input byte */
	D_INPUT_MAX = 4 << 10,
};

/* Bytes of a C++ name outside of its identifiers ("3foo"): each level of nesting takes at least one. */
static size_t structure_size(const char *name)
{
	size_t size = 0;

	while (*name) {
		size_t digits = strspn(name, "0123456789"), skip = 0;

		for (size_t i = 0; i < digits && skip < LONG_INPUT_MAX; i++)
			skip = skip * 10 + (size_t)(name[i] - '0');
		name += digits ? digits : 1;
		size += digits ? digits : 1;
		if (digits)
			name += strnlen(name, skip);
	}
	return size;
}

/* libiberty takes 1,024 bytes for the most that can nest safely; real names of templates are longer, but flat. */
static int cxx_options(const char *name)
{
	size_t size = strnlen(name, LONG_INPUT_MAX);

	if (size > DEMANGLE_RECURSION_LIMIT / 2 && size < LONG_INPUT_MAX && structure_size(name) <= DEMANGLE_RECURSION_LIMIT)
		return OPTIONS | DMGL_NO_RECURSE_LIMIT;
	return OPTIONS;
}

/* D's demangler has no callback form, so its result is bounded by the input (its back references are expanded once each). */
static bool demangle_d(const char *name, struct output *output)
{
	char *text = strnlen(name, D_INPUT_MAX) < D_INPUT_MAX ? dlang_demangle(name, 0) : NULL;
	size_t size = text ? strlen(text) : 0;
	bool fits = text && size < output->size;

	if (fits)
		append(text, size, output);
	free(text); /* libiberty's own allocation */
	return fits;
}

/* Old versions of libiberty bound neither the nesting of Rust's v0 names nor the back references ("B") that make it endless. */
static bool is_endless_rust(const char *name)
{
	if (WB_LIBIBERTY_BOUNDS_RUST || name[0] != '_' || name[1] != 'R')
		return false;
	return strchr(name, 'B') || strnlen(name, UNBOUNDED_RUST_MAX) == UNBOUNDED_RUST_MAX;
}

static bool demangle(const char *name, struct output *output)
{
	bool done;

	if (is_endless_rust(name) || setjmp(output->overflow))
		return false;
	if (name[0] == '_' && name[1] == 'D')
		done = demangle_d(name, output);
	else if (rust_demangle_callback(name, OPTIONS, append, output))
		done = true;
	else {
		output->used = 0;
		done = cplus_demangle_v3_callback(name, cxx_options(name), append, output) != 0;
	}
	return done && output->used > 0;
}
#else
static bool demangle(const char *name, struct output *output)
{
	(void)name;
	(void)append;
	return setjmp(output->overflow) != 0;
}
#endif

/* "_Z" C++ and legacy Rust, "_R" Rust, "_D" D, "_GLOBAL_" C++ constructors of files. All else is no mangled name, and most names are. */
static bool may_be_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D' || strncmp(name, "_GLOBAL_", 8) == 0);
}

/* The name without what a linker or ThinLTO appended, if it has that; NULL otherwise, or without memory. */
static char *without_decoration(const char *name, const char *at, const char *llvm)
{
	size_t size = at ? (size_t)(at - name) : strlen(name);
	char *copy = wb_mem_dup(name, size + 1);

	if (!copy)
		return NULL;
	copy[size] = '\0';
	if (llvm && (!at || llvm < at)) {
		char *cut = copy + (llvm - name);
		size_t digits = strspn(cut + 6, "0123456789");

		memmove(cut, cut + 6 + digits, strlen(cut + 6 + digits) + 1);
	}
	return copy;
}

enum wb_err wb_demangle_builtin(void *arg, const char *name, char *buffer, size_t size)
{
	struct output output = { .buffer = buffer, .size = size < WB_DEMANGLE_OUTPUT_MAX ? size : WB_DEMANGLE_OUTPUT_MAX };
	const char *at, *llvm;
	char *copy = NULL;
	bool done;

	(void)arg;
	if (size == 0 || !may_be_mangled(name) || strnlen(name, WB_DEMANGLE_INPUT_MAX) == WB_DEMANGLE_INPUT_MAX)
		return WB_NONE;
	at = strchr(name, '@');
	llvm = strstr(name, ".llvm.");
	if (at || llvm) {
		copy = without_decoration(name, at, llvm);
		if (!copy)
			return WB_ERR_MEMORY;
	}
	done = demangle(copy ? copy : name, &output);
	wb_mem_free(copy);
	if (done && at && strcmp(at, "@plt") == 0) {
		if (output.size - output.used <= 4)
			return WB_NONE;
		memcpy(buffer + output.used, "@plt", 4);
		output.used += 4;
	}
	if (!done)
		return WB_NONE;
	buffer[output.used] = '\0';
	return WB_OK;
}
