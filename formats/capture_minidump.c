/* SPDX-License-Identifier: MIT */
/*
 * Minidumps as captures: each thread is a sample, the one that crashed first. Here: the header, the directory, strings, and how samples are made;
 * the streams' readers are in capture_minidump_<what>.c.
 */
#include "formats/capture_minidump.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>

enum {
	HEADER_SIZE = 32,
	VERSION = 0xa793,             /* low half of the header's version */
	ENTRY_SIZE = 12,              /* of the directory */
	THREAD_SIZE = 48,
	THREAD_NAME_SIZE = 12,
	CONTEXT_MAX = 64 << 10,       /* bytes: with all of AVX-512 and CET some 3 KiB */
	STACK_BELOW = 512,            /* bytes under SP: its page may not be in the dump, the red zone has 128 */
	STACK_MAX = 1 << 20,          /* bytes of a stack that come with a sample, of which batches hold many; what is above is in the space */
};

/* ---- What all readers use ---- */

enum wb_err wb_minidump_report(const struct wb_minidump *m, enum wb_err err, enum wb_diag_code code, uint64_t offset, const char *text)
{
	return wb_diag_report(wb_session_diags(m->input->session), err, code, m->input->name, "", offset, "%s", text);
}

enum wb_err wb_minidump_piece(struct wb_minidump *m, uint64_t offset, uint64_t size, const char *what, struct wb_piece *ret_piece)
{
	uint64_t file_size = wb_file_size(m->input->file);
	enum wb_err err;

	if (offset > file_size || size > file_size - offset) {
		m->is_truncated = true;
		wb_diag_report(wb_session_diags(m->input->session), WB_OK, WB_DIAG_CAPTURE_TRUNCATED, m->input->name, "", offset,
		               "the file ends at 0x%llx, before the end of its %s", (unsigned long long)file_size, what);
		return WB_NONE;
	}
	if (size > m->input->opts.max_memory) {
		wb_diag_report(wb_session_diags(m->input->session), WB_OK, WB_DIAG_MEMORY_BUDGET, m->input->name, "", offset,
		               "%s of %llu bytes: more than the memory limit", what, (unsigned long long)size);
		return WB_NONE;
	}
	err = wb_file_piece(m->input->file, offset, size, ret_piece);
	return err == WB_ERR_DATA || err == WB_ERR_IO ? wb_minidump_report(m, WB_NONE, WB_DIAG_FILE_UNREADABLE, offset, "not readable") : err;
}

const char *wb_minidump_keep(struct wb_minidump *m, char *string)
{
	void *strings = m->strings;

	if (!string || !wb_mem_grow(&strings, &m->strings_capacity, m->num_strings, 1, sizeof(*m->strings))) {
		wb_mem_free(string);
		return NULL;
	}
	m->strings = strings;
	m->strings[m->num_strings++] = string;
	return string;
}

const char *wb_minidump_keep_out(struct wb_minidump *m, struct wb_out *out)
{
	wb_out_char(out, '\0');
	if (!out->failed)
		return wb_minidump_keep(m, out->bytes);
	wb_out_deinit(out);
	return NULL;
}

static void put_utf8(struct wb_out *out, uint32_t c)
{
	if (c < 0x80) {
		wb_out_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		wb_out_char(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			wb_out_char(out, (char)(0xe0 | c >> 12));
		} else {
			wb_out_char(out, (char)(0xf0 | c >> 18));
			wb_out_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		wb_out_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	wb_out_char(out, (char)(0x80 | (c & 0x3f)));
}

void wb_minidump_utf16(struct wb_bytes *b, size_t count, struct wb_out *out)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t c = wb_bytes_u16(b);

		if (!c || wb_bytes_failed(b))
			return;
		/* The second half of a pair; one without the other is no character (RFC 2781, 2.2). */
		if ((c & 0xfc00) == 0xd800 && i + 1 < count && wb_bytes_left(b) >= 2 && (wb_load16(b->at, b->big_endian) & 0xfc00) == 0xdc00) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (wb_bytes_u16(b) & 0x3ffu));
			i++;
		}
		put_utf8(out, (c & 0xfffff800) == 0xd800 ? 0xfffd : c);
	}
}

/* The counted bytes at an offset. WB_NONE: there are none, or they are not in the file. */
static enum wb_err counted_piece(struct wb_minidump *m, uint32_t offset, struct wb_piece *ret_piece)
{
	struct wb_piece size;
	uint32_t count;
	enum wb_err err = offset ? wb_minidump_piece(m, offset, 4, "strings", &size) : WB_NONE;

	if (err)
		return err;
	count = wb_load32(size.bytes, m->big_endian);
	wb_piece_deinit(&size);
	if (count > WB_MINIDUMP_STRING_MAX)
		return wb_minidump_report(m, WB_NONE, WB_DIAG_CAPTURE_MALFORMED, offset, "a string of more than 64 KiB");
	return wb_minidump_piece(m, (uint64_t)offset + 4, count, "strings", ret_piece);
}

static enum wb_err counted_string(struct wb_minidump *m, uint32_t offset, bool utf16, const char **ret_string)
{
	struct wb_out out = { 0 };
	struct wb_piece piece;
	enum wb_err err = counted_piece(m, offset, &piece);

	*ret_string = "";
	if (err)
		return err == WB_NONE ? WB_OK : err;
	if (utf16) {
		struct wb_bytes b = wb_bytes_of(piece.bytes, piece.size, m->big_endian);

		wb_minidump_utf16(&b, piece.size / 2, &out);
	} else {
		wb_out_bytes(&out, (const char *)piece.bytes, strnlen((const char *)piece.bytes, piece.size));
	}
	wb_piece_deinit(&piece);
	*ret_string = wb_minidump_keep_out(m, &out);
	return *ret_string ? WB_OK : WB_ERR_MEMORY;
}

enum wb_err wb_minidump_string(struct wb_minidump *m, uint32_t offset, const char **ret_string)
{
	return counted_string(m, offset, true, ret_string);
}

enum wb_err wb_minidump_string8(struct wb_minidump *m, uint32_t offset, const char **ret_string)
{
	return counted_string(m, offset, false, ret_string);
}

enum wb_err wb_minidump_note(struct wb_minidump *m, const char *key, const char *value)
{
	void *notes = m->notes;

	if (!*value)
		return WB_OK;
	if (!wb_mem_grow(&notes, &m->notes_capacity, m->num_notes, 1, sizeof(*m->notes)))
		return WB_ERR_MEMORY;
	m->notes = notes;
	m->notes[m->num_notes++] = (struct wb_label){ key, value };
	return WB_OK;
}

/* ---- Threads ---- */

static enum wb_err read_threads(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t count = wb_bytes_u32(b);
	enum wb_err err = WB_OK;

	/* Some writers align the first one to 8 bytes. */
	if (wb_bytes_left(b) >= 4 && wb_bytes_left(b) % THREAD_SIZE == 4)
		wb_bytes_skip(b, 4);
	if (count > wb_bytes_left(b) / THREAD_SIZE) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the list of threads is shorter than it says");
		count = (uint32_t)(wb_bytes_left(b) / THREAD_SIZE);
	}
	m->threads = wb_mem_zalloc(count, sizeof(*m->threads));
	if (!m->threads)
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < count && !err; i++) {
		struct wb_minidump_thread *thread = &m->threads[m->num_threads++];
		uint32_t size, offset;

		thread->tid = wb_bytes_u32(b);
		wb_bytes_skip(b, 20); /* suspend count, priorities, TEB */
		thread->stack = wb_bytes_u64(b);
		size = wb_bytes_u32(b);
		offset = wb_bytes_u32(b);
		thread->context.size = wb_bytes_u32(b);
		thread->context.offset = wb_bytes_u32(b);
		/* Full dumps have the stacks among the other memory. */
		if (size && offset)
			err = wb_minidump_add_region(m, thread->stack, size, offset);
	}
	return err;
}

static int compare_tids(const void *a, const void *b)
{
	uint32_t x = (*(struct wb_minidump_thread *const *)a)->tid, y = (*(struct wb_minidump_thread *const *)b)->tid;

	return x < y ? -1 : x > y;
}

static enum wb_err name_threads(struct wb_minidump *m, struct wb_bytes *b, struct wb_minidump_thread **by_tid, uint32_t count)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < m->num_threads; i++)
		by_tid[i] = &m->threads[i];
	qsort(by_tid, m->num_threads, sizeof(struct wb_minidump_thread *), compare_tids);
	for (uint32_t i = 0; i < count && !err; i++) {
		struct wb_minidump_thread wanted = { .tid = wb_bytes_u32(b) }, *key = &wanted, **found;
		uint64_t offset = wb_bytes_u64(b);
		const char *name;

		found = bsearch(&key, by_tid, m->num_threads, sizeof(struct wb_minidump_thread *), compare_tids);
		if (!found || offset > UINT32_MAX)
			continue;
		err = wb_minidump_string(m, (uint32_t)offset, &name);
		if (!err && *name)
			(*found)->name = name;
	}
	return err;
}

static enum wb_err read_thread_names(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t count = wb_bytes_u32(b);
	struct wb_minidump_thread **by_tid;
	enum wb_err err;

	if (count > wb_bytes_left(b) / THREAD_NAME_SIZE)
		count = (uint32_t)(wb_bytes_left(b) / THREAD_NAME_SIZE);
	if (!m->num_threads)
		return WB_OK;
	by_tid = wb_mem_zalloc(m->num_threads, sizeof(struct wb_minidump_thread *));
	if (!by_tid)
		return WB_ERR_MEMORY;
	err = name_threads(m, b, by_tid, count);
	wb_mem_free(by_tid);
	return err;
}

/* ---- Reading all streams ---- */

/* In this order: the machine before what depends on it, names of threads after threads, mappings from the coarse to the fine. */
static const struct { uint32_t type; const char *what; wb_minidump_stream_fn read; } readers[] = {
	{ WB_MINIDUMP_SYSTEM, "system information", wb_minidump_read_system },
	{ WB_MINIDUMP_MISC, "miscellaneous information", wb_minidump_read_misc },
	{ WB_MINIDUMP_THREADS, "list of threads", read_threads },
	{ WB_MINIDUMP_THREAD_NAMES, "list of threads' names", read_thread_names },
	{ WB_MINIDUMP_BREAKPAD, "Breakpad information", wb_minidump_read_breakpad },
	{ WB_MINIDUMP_EXCEPTION, "exception", wb_minidump_read_exception },
	{ WB_MINIDUMP_ASSERTION, "assertion", wb_minidump_read_assertion },
	{ WB_MINIDUMP_MODULES, "list of modules", wb_minidump_read_modules },
	{ WB_MINIDUMP_UNLOADED, "list of unloaded modules", wb_minidump_read_unloaded },
	{ WB_MINIDUMP_MEMORY, "list of memory", wb_minidump_read_memory },
	{ WB_MINIDUMP_MEMORY_64, "list of memory", wb_minidump_read_memory_64 },
	{ WB_MINIDUMP_STATUS, "process status", wb_minidump_read_status },
	{ WB_MINIDUMP_LSB_RELEASE, "LSB release", wb_minidump_read_lsb },
	{ WB_MINIDUMP_CMD_LINE, "command line", wb_minidump_read_cmd_line },
	{ WB_MINIDUMP_ENVIRON, "environment", wb_minidump_read_environ },
	{ WB_MINIDUMP_AUXV, "auxiliary vector", wb_minidump_read_auxv },
	{ WB_MINIDUMP_CRASHPAD, "Crashpad information", wb_minidump_read_crashpad },
	{ WB_MINIDUMP_MEMORY_INFO, "memory information", wb_minidump_map_info },
	{ WB_MINIDUMP_MAPS, "memory maps", wb_minidump_map_lines },
};

static enum wb_err read_stream(struct wb_minidump *m, uint32_t type, const char *what, wb_minidump_stream_fn read)
{
	for (size_t i = 0; i < m->num_streams; i++) {
		struct wb_piece piece;
		struct wb_bytes b;
		enum wb_err err;

		if (m->types[i] != type || !m->streams[i].size)
			continue;
		err = wb_minidump_piece(m, m->streams[i].offset, m->streams[i].size, what, &piece);
		if (err)
			return err == WB_NONE ? WB_OK : err;
		b = wb_bytes_of(piece.bytes, piece.size, m->big_endian);
		err = read(m, &b);
		wb_piece_deinit(&piece);
		return err;
	}
	return WB_OK;
}

static enum wb_err read_directory(struct wb_minidump *m, uint32_t count, uint32_t offset)
{
	uint64_t left = offset < wb_file_size(m->input->file) ? wb_file_size(m->input->file) - offset : 0;
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err;

	if (count > left / ENTRY_SIZE) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_TRUNCATED, offset, "the file ends within its directory of streams");
		count = (uint32_t)(left / ENTRY_SIZE);
	}
	if (!count)
		return wb_minidump_report(m, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, offset, "no streams");
	if (count > WB_MINIDUMP_STREAMS_MAX) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_UNSUPPORTED, offset, "more than 4096 streams: the others are not read");
		count = WB_MINIDUMP_STREAMS_MAX;
	}
	err = wb_minidump_piece(m, offset, (uint64_t)count * ENTRY_SIZE, "directory", &piece);
	if (err)
		return err == WB_NONE ? WB_ERR_DATA : err;
	m->streams = wb_mem_zalloc(count, sizeof(*m->streams));
	m->types = wb_mem_zalloc(count, sizeof(*m->types));
	b = wb_bytes_of(piece.bytes, piece.size, m->big_endian);
	for (uint32_t i = 0; m->streams && m->types && i < count; i++) {
		m->types[i] = wb_bytes_u32(&b);
		m->streams[i].size = wb_bytes_u32(&b);
		m->streams[i].offset = wb_bytes_u32(&b);
	}
	m->num_streams = count;
	wb_piece_deinit(&piece);
	return m->streams && m->types ? WB_OK : WB_ERR_MEMORY;
}

static enum wb_err read_header(struct wb_minidump *m)
{
	struct wb_bytes b = wb_bytes_of(m->input->head, m->input->head_size, memcmp(m->input->head, "PMDM", 4) == 0);
	uint32_t version, count, offset;

	m->big_endian = b.big_endian;
	m->platform.big_endian = b.big_endian;
	wb_bytes_skip(&b, 4);
	version = wb_bytes_u32(&b);
	count = wb_bytes_u32(&b);
	offset = wb_bytes_u32(&b);
	wb_bytes_skip(&b, 4); /* checksum: nobody sets it */
	m->dump.time_s = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b) || m->input->head_size < HEADER_SIZE)
		return wb_minidump_report(m, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, 0, "the file ends within its header");
	if ((version & 0xffff) != VERSION)
		return wb_minidump_report(m, WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, 4, "a minidump of another version");
	return read_directory(m, count, offset);
}

/* The thread that crashed comes first. */
static void order_threads(struct wb_minidump *m)
{
	for (size_t i = 1; i < m->num_threads && m->has_crash_tid; i++) {
		struct wb_minidump_thread crashed = m->threads[i];

		if (m->threads[0].tid == m->crash_tid || crashed.tid != m->crash_tid)
			continue;
		memmove(m->threads + 1, m->threads, i * sizeof(*m->threads));
		m->threads[0] = crashed;
		break;
	}
}

static enum wb_err read_all(struct wb_minidump *m)
{
	enum wb_err err = read_header(m);

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]) && !err; i++) {
		/* Mappings begin with the modules. */
		if (readers[i].type == WB_MINIDUMP_MEMORY_INFO)
			err = wb_minidump_map_modules(m);
		if (!err)
			err = read_stream(m, readers[i].type, readers[i].what, readers[i].read);
	}
	if (!err)
		err = wb_minidump_sort_regions(m);
	if (!err)
		err = wb_minidump_map_memory(m);
	if (err)
		return err;
	if (!m->num_threads)
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "no threads");
	order_threads(m);
	m->dump.modules = m->modules;
	m->dump.num_modules = m->num_modules;
	m->dump.unloaded = m->unloaded;
	m->dump.num_unloaded = m->num_unloaded;
	m->dump.notes = m->notes;
	m->dump.num_notes = m->num_notes;
	return WB_OK;
}

/* ---- Samples ---- */

static void release_piece(void *arg)
{
	struct wb_piece *piece = arg;

	wb_piece_deinit(piece);
}

static uint64_t stack_pointer(const struct wb_minidump *m, const struct wb_reg *regs, size_t count)
{
	/* DWARF numbers of the stack pointers. */
	uint32_t sp = m->platform.arch == WB_ARCH_X86_64 ? 7 : m->platform.arch == WB_ARCH_X86 ? 4 : m->platform.arch == WB_ARCH_ARM ? 13 : 31;

	for (size_t i = 0; i < count; i++)
		if (regs[i].number == sp)
			return regs[i].value;
	return 0;
}

/* The stack's memory, for which the walk need not search. WB_NONE: it is not in the dump. */
static enum wb_err read_stack(struct wb_minidump *m, uint64_t sp, struct wb_capture_batch *batch, struct wb_sample *sample)
{
	const struct wb_minidump_region *held = wb_minidump_region_at(m, sp);
	struct wb_region *region = wb_capture_batch_alloc(batch, sizeof(*region));
	struct wb_piece *piece = wb_capture_batch_alloc(batch, sizeof(*piece));
	uint64_t skip, size;
	enum wb_err err;

	if (!region || !piece)
		return WB_ERR_MEMORY;
	if (!held)
		return WB_NONE;
	skip = sp - held->start > STACK_BELOW ? sp - held->start - STACK_BELOW : 0;
	size = held->size - skip < STACK_MAX ? held->size - skip : STACK_MAX;
	err = wb_minidump_piece(m, held->offset + skip, size, "memory", piece);
	if (err)
		return err;
	*region = (struct wb_region){ held->start + skip, piece->bytes, piece->size };
	sample->regions = region;
	sample->num_regions = 1;
	return wb_capture_batch_pin(batch, release_piece, piece);
}

static enum wb_err read_context(struct wb_minidump *m, struct wb_minidump_location at, struct wb_capture_batch *batch, struct wb_sample *sample)
{
	struct wb_context *context = wb_capture_batch_alloc(batch, sizeof(*context));
	struct wb_reg *regs = wb_capture_batch_alloc(batch, WB_MINIDUMP_REGS_MAX * sizeof(*regs));
	struct wb_piece piece;
	struct wb_bytes b;
	size_t count;
	enum wb_err err;

	if (!context || !regs)
		return WB_ERR_MEMORY;
	if (!at.size || at.size > CONTEXT_MAX)
		return wb_minidump_report(m, WB_NONE, WB_DIAG_CAPTURE_MALFORMED, at.offset, "a thread without registers");
	err = wb_minidump_piece(m, at.offset, at.size, "threads' registers", &piece);
	if (err)
		return err;
	b = wb_bytes_of(piece.bytes, piece.size, m->big_endian);
	wb_minidump_context(m, &b, regs, &count);
	wb_piece_deinit(&piece);
	if (!count)
		return wb_minidump_report(m, WB_NONE, WB_DIAG_CAPTURE_UNSUPPORTED, at.offset, "registers of a kind that is not understood");
	*context = (struct wb_context){ .regs = regs, .num_regs = count, .pc_kind = WB_PC_EXACT };
	sample->contexts = context;
	sample->num_contexts = 1;
	err = read_stack(m, stack_pointer(m, regs, count), batch, sample);
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err give_thread(struct wb_minidump *m, const struct wb_minidump_thread *thread, struct wb_capture_batch *batch)
{
	bool crashed = m->has_crash_tid && thread->tid == m->crash_tid;
	struct wb_sample *sample = wb_capture_batch_alloc(batch, sizeof(*sample));
	enum wb_err err = WB_OK;

	if (!sample)
		return WB_ERR_MEMORY;
	*sample = (struct wb_sample){ .size = sizeof(*sample), .pid = m->pid, .tid = thread->tid, .cpu = UINT32_MAX,
	                              .comm = thread->name ? thread->name : m->program,
	                              .flags = (crashed ? WB_SAMPLE_CRASHED : 0u) | (thread->name ? 0u : WB_SAMPLE_UNNAMED) };
	/* The thread that crashed is in the handler by now: the exception has where it was. What wrote the dump only waits to have done so. */
	if (crashed && m->crash_context.size)
		err = read_context(m, m->crash_context, batch, sample);
	if (!sample->num_contexts && !err && !(m->has_dump_tid && thread->tid == m->dump_tid))
		err = read_context(m, thread->context, batch, sample);
	if (err < 0)
		return err;
	return wb_capture_batch_add(batch, m->space, sample);
}

static enum wb_err minidump_fill(void *state, size_t max, struct wb_capture_batch *batch)
{
	struct wb_minidump *m = state;

	while (m->next < m->num_threads && wb_capture_batch_count(batch) < max) {
		const struct wb_minidump_thread *thread = &m->threads[m->next++];
		enum wb_err err;

		if (!wb_capture_wants(m->input, m->pid, thread->tid))
			continue;
		err = give_thread(m, thread, batch);
		if (err)
			return err;
		m->given++;
	}
	return m->next == m->num_threads ? WB_NONE : WB_OK;
}

/* ---- The format ---- */

static bool minidump_probe(const uint8_t *head, size_t size)
{
	return size >= 4 && (!memcmp(head, "MDMP", 4) || !memcmp(head, "PMDM", 4));
}

static void minidump_free(void *state)
{
	struct wb_minidump *m = state;

	if (!m)
		return;
	wb_space_unref(m->space);
	for (size_t i = 0; i < m->num_modules; i++)
		wb_image_unref(m->modules[i].image);
	for (size_t i = 0; i < m->num_strings; i++)
		wb_mem_free(m->strings[i]);
	wb_mem_free(m->strings);
	wb_mem_free(m->streams);
	wb_mem_free(m->types);
	wb_mem_free(m->threads);
	wb_mem_free(m->regions);
	wb_mem_free(m->modules);
	wb_mem_free(m->unloaded);
	wb_mem_free(m->by_start);
	wb_mem_free(m->environment);
	wb_mem_free(m->auxv);
	wb_mem_free(m->listed);
	wb_mem_free(m->notes);
	wb_mem_free(m);
}

static enum wb_err minidump_open(struct wb_capture_input *input, void **ret_state)
{
	struct wb_minidump *m = wb_mem_zalloc(1, sizeof(*m));
	enum wb_err err;

	if (!m)
		return WB_ERR_MEMORY;
	m->input = input;
	m->program = m->command_line = m->os_release = m->crash_reason = "";
	m->dump = (struct wb_dump){ .size = sizeof(m->dump), .crash_type = "", .assertion = "", .os_name = "", .os_version = "", .cpu_info = "",
	                            .scans = 1 };
	if (input->file)
		err = read_all(m);
	else
		err = wb_minidump_report(m, WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, UINT64_MAX, "a minidump cannot be read from a pipe");
	if (err) {
		minidump_free(m);
		return err;
	}
	*ret_state = m;
	return WB_OK;
}

static enum wb_err minidump_info(void *state, struct wb_capture_info *info)
{
	const struct wb_minidump *m = state;

	info->platform = m->platform;
	info->hostname = "";
	info->os_release = m->os_release;
	info->command_line = m->command_line;
	info->modules = m->listed;
	info->num_modules = m->num_modules;
	info->samples = info->records = m->given;
	info->signal = m->dump.crash_kind == WB_CRASH_SIGNAL ? (int32_t)m->dump.crash_code : 0;
	info->signal_address = info->signal && m->dump.has_crash_address ? m->dump.crash_address : 0;
	info->signal_code = info->signal ? (int32_t)m->dump.crash_detail : 0;
	info->crash_tid = m->has_crash_tid ? m->crash_tid : 0;
	info->crash_reason = m->crash_reason;
	info->pid = m->pid;
	info->truncated = m->is_truncated;
	info->threads = m->num_threads;
	info->memory_dumped = m->dumped;
	info->dump = &m->dump;
	return WB_OK;
}

const struct wb_capture_format wb_capture_format_minidump = {
	.name = "minidump",
	.probe = minidump_probe,
	.open = minidump_open,
	.fill = minidump_fill,
	.info = minidump_info,
	.free = minidump_free,
};
