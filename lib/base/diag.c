/* SPDX-License-Identifier: MIT */
/* Diagnostics: remembered by a hash of (file, code) so that each is said once, and passed on with the lock not held. */
#include "base/diag.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A hostile capture can name any number of files: past this many (file, code) pairs there is silence. */
enum { SEEN_MAX = 65536, TEXT_MAX = 512 };

void wb_diags_init(struct wb_diags *diags, wb_diag_fn fn, void *arg)
{
	memset(diags, 0, sizeof(*diags));
	diags->fn = fn;
	diags->arg = arg;
	wb_lock_init(&diags->lock);
}

void wb_diags_deinit(struct wb_diags *diags)
{
	wb_mem_free(diags->seen);
	wb_lock_deinit(&diags->lock);
}

/* FNV-1a; never 0, which marks a free place. */
static uint64_t seen_key(const char *file, enum wb_diag_code code)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)code;

	for (; *file; file++)
		hash = (hash ^ (uint8_t)*file) * UINT64_C(0x100000001b3);
	hash = (hash ^ (uint64_t)code) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

static void seen_put(uint64_t *seen, size_t capacity, uint64_t key)
{
	size_t i = key & (capacity - 1);

	while (seen[i])
		i = (i + 1) & (capacity - 1);
	seen[i] = key;
}

static bool seen_grow(struct wb_diags *diags)
{
	size_t capacity = diags->capacity ? diags->capacity * 2 : 64;
	uint64_t *seen;

	if (diags->count >= SEEN_MAX)
		return false;
	seen = wb_mem_zalloc(capacity, sizeof(*seen));
	if (!seen)
		return false;
	for (size_t i = 0; i < diags->capacity; i++)
		if (diags->seen[i])
			seen_put(seen, capacity, diags->seen[i]);
	wb_mem_free(diags->seen);
	diags->seen = seen;
	diags->capacity = capacity;
	return true;
}

/* True the first time. */
static bool seen_add(struct wb_diags *diags, uint64_t key)
{
	bool added = false;

	wb_lock_take(&diags->lock);
	for (size_t i = key & (diags->capacity - 1); diags->capacity && diags->seen[i]; i = (i + 1) & (diags->capacity - 1))
		if (diags->seen[i] == key)
			goto out;
	if (diags->count * 2 >= diags->capacity && !seen_grow(diags))
		goto out;
	seen_put(diags->seen, diags->capacity, key);
	diags->count++;
	added = true;
out:
	wb_lock_give(&diags->lock);
	return added;
}

static enum wb_severity severity_of(enum wb_err err)
{
	return err < 0 ? WB_SEVERITY_ERROR : WB_SEVERITY_WARNING;
}

enum wb_err wb_diag_report(struct wb_diags *diags, enum wb_err err, enum wb_diag_code code, const char *file, const char *section,
                           uint64_t offset, const char *format, ...)
{
	struct wb_diag diag = { .size = sizeof(diag), .code = code, .severity = severity_of(err), .err = err,
	                        .file = file ? file : "", .section = section ? section : "", .offset = offset };
	char text[TEXT_MAX];
	va_list args;

	if (!diags || !diags->fn || !seen_add(diags, seen_key(diag.file, code)))
		return err;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* One line, whatever names the input put into it. */
	for (char *c = text; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			*c = '?';
	diag.text = text;
	diags->fn(diags->arg, &diag);
	return err;
}

size_t wb_diag_format(const struct wb_diag *diag, char *buffer, size_t size)
{
	char where[64] = "";
	int length;

	if (diag->offset != UINT64_MAX)
		snprintf(where, sizeof(where), "%s0x%" PRIx64, *diag->section ? "+" : "offset ", diag->offset);
	length = snprintf(buffer, size, "%s%s%s%s%s%s", diag->file, *diag->file ? ": " : "", diag->section, where,
	                  *diag->section || *where ? ": " : "", diag->text);
	return length < 0 ? 0 : (size_t)length;
}
