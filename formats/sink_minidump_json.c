/* SPDX-License-Identifier: MIT */
/*
 * Crash dumps in the schema that rust-minidump's minidump-stackwalk calls stable (its minidump-processor/json-schema.md), for those who read that: one object.
 * Values of 64 bits are strings of as many hexadecimal digits as addresses of the machine have. What is not known here is null: decoded instructions and
 * what follows from them, certificates, handles, limits. A frame's trust is "cfi" wherever unwind information or the code itself led to it.
 */
#include "formats/fragments.h"
#include "formats/json.h"
#include "formats/sink.h"

#include "base/mem.h"
#include "model/image.h"

#include <stdlib.h>

enum { FIRST_VECTOR = 17 };       /* x86-64's DWARF number of xmm0: not in the schema */

struct module {
	uint64_t start, end;
	struct wb_image *image;       /* referenced; NULL: unloaded */
	char *path, *version, *debug_file, *debug_id, *code_id;
};

struct modules {
	struct module *items;         /* in the dump's order */
	const struct module **by_start;
	size_t count;
};

struct minidump_part {
	struct wb_sink_part base;
	struct wb_fragments fragments;
	enum wb_arch arch;
	unsigned digits;              /* of an address; 0: nothing was begun */
	struct modules modules, unloaded;
	uint64_t threads;
	struct wb_out crashed;        /* the crashing thread, with registers; empty: none came by */
};

static struct minidump_part *part_of(struct wb_sink_part *base)
{
	return (struct minidump_part *)(void *)base;
}

/* ---- Modules, kept from the beginning to the end ---- */

static void modules_deinit(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		struct module *module = &modules->items[i];

		wb_image_unref(module->image);
		wb_mem_free(module->path);
		wb_mem_free(module->version);
		wb_mem_free(module->debug_file);
		wb_mem_free(module->debug_id);
		wb_mem_free(module->code_id);
	}
	wb_mem_free(modules->items);
	wb_mem_free(modules->by_start);
}

static int compare_starts(const void *a, const void *b)
{
	uint64_t x = (*(const struct module *const *)a)->start, y = (*(const struct module *const *)b)->start;

	return x < y ? -1 : x > y;
}

static enum wb_err modules_init(struct modules *modules, const struct wb_dump_module *from, size_t count)
{
	modules->items = wb_mem_zalloc(count, sizeof(*modules->items));
	modules->by_start = wb_mem_zalloc(count, sizeof(const struct module *));
	if (!modules->items || !modules->by_start)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct module *module = &modules->items[modules->count++];

		*module = (struct module){ from[i].start, from[i].end, wb_image_ref(from[i].image), wb_mem_strdup(from[i].path),
		                           wb_mem_strdup(from[i].version), wb_mem_strdup(from[i].debug_file), wb_mem_strdup(from[i].debug_id),
		                           wb_mem_strdup(from[i].code_id) };
		if (!module->path || !module->version || !module->debug_file || !module->debug_id || !module->code_id)
			return WB_ERR_MEMORY;
		modules->by_start[i] = module;
	}
	if (count)
		qsort(modules->by_start, count, sizeof(const struct module *), compare_starts);
	return WB_OK;
}

static const struct module *module_at(const struct modules *modules, uint64_t address)
{
	size_t low = 0, high = modules->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (modules->by_start[middle]->start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < modules->by_start[low - 1]->end ? modules->by_start[low - 1] : NULL;
}

static void part_deinit(struct wb_sink_part *base)
{
	struct minidump_part *part = part_of(base);

	wb_fragments_deinit(&part->fragments);
	modules_deinit(&part->modules);
	modules_deinit(&part->unloaded);
	wb_out_deinit(&part->crashed);
}

static void forget(struct wb_sink_part *base)
{
	wb_fragments_clear(&part_of(base)->fragments);
}

/* ---- Values ---- */

static void put_address(const struct minidump_part *part, struct wb_json *json, const char *key, uint64_t value)
{
	wb_json_padded(json, key, value, part->digits);
}

static void put_text(struct wb_json *json, const char *key, const char *text)
{
	if (text && *text)
		wb_json_string(json, key, text);
	else
		wb_json_null(json, key);
}

static const char *trust_of(const struct wb_frame *frame)
{
	switch ((enum wb_how)frame->how) {
	case WB_HOW_CONTEXT: return "context";
	case WB_HOW_FRAME_POINTER: return "frame_pointer";
	case WB_HOW_SCAN: return "scan";
	case WB_HOW_GIVEN: return "prewalked";
	case WB_HOW_CFI:
	case WB_HOW_COMPACT:
	case WB_HOW_GO:
	case WB_HOW_LEAF:
	case WB_HOW_CODE:
	case WB_HOW_BREAKPAD:
	case WB_HOW_WINDOWS:
	case WB_HOW_SFRAME:
	case WB_HOW_EHABI: break;
	}
	return "cfi";
}

/* ---- Frames ---- */

static void put_inlines(struct wb_json *json, const struct wb_frame_sites *sites)
{
	if (!sites || sites->count < 2) {
		wb_json_null(json, "inlines");
		return;
	}
	wb_json_open(json, "inlines", '[');
	for (size_t i = 0; i + 1 < sites->count; i++) {
		const struct wb_site *site = &sites->sites[i];

		wb_json_open(json, NULL, '{');
		put_text(json, "function", site->function);
		put_text(json, "file", site->file);
		if (site->line)
			wb_json_number(json, "line", site->line);
		else
			wb_json_null(json, "line");
		wb_json_close(json, '}');
	}
	wb_json_close(json, ']');
}

/* What is the same wherever the frame comes by. */
static enum wb_err describe(struct wb_sink_part *base, const struct wb_frame *frame, const struct wb_frame_sites *sites, uint32_t *ret_id)
{
	struct minidump_part *part = part_of(base);
	const struct wb_site *site = sites && sites->count ? &sites->sites[sites->count - 1] : NULL;
	struct wb_json json = { &part->fragments.bytes, true };
	uint32_t id = (uint32_t)part->fragments.count;
	enum wb_err err;

	put_text(&json, "function", site ? site->function : NULL);
	if (site && site->function && frame->flags & WB_FRAME_HAS_IMAGE && site->function_start <= frame->image_pc)
		put_address(part, &json, "function_offset", frame->image_pc - site->function_start);
	else
		wb_json_null(&json, "function_offset");
	put_text(&json, "file", site ? site->file : NULL);
	if (site && site->line)
		wb_json_number(&json, "line", site->line);
	else
		wb_json_null(&json, "line");
	put_inlines(&json, sites);
	wb_json_bool(&json, "missing_symbols", frame->image_id && (!site || (!site->function && site->function_reason != WB_REASON_NO_SYMBOL)));
	err = wb_fragments_end(&part->fragments, true);
	if (!err)
		*ret_id = id;
	return err;
}

static void put_unloaded(const struct minidump_part *part, struct wb_json *json, uint64_t address)
{
	const struct module *module = module_at(&part->unloaded, address);

	if (!module || module_at(&part->modules, address)) {
		wb_json_null(json, "unloaded_modules");
		return;
	}
	wb_json_open(json, "unloaded_modules", '[');
	wb_json_open(json, NULL, '{');
	put_text(json, "module", wb_out_basename(module->path));
	wb_json_open(json, "offsets", '[');
	put_address(part, json, NULL, address - module->start);
	wb_json_close(json, ']');
	wb_json_close(json, '}');
	wb_json_close(json, ']');
}

/* As the schema calls registers. */
static const char *register_name(enum wb_arch arch, uint32_t number)
{
	static const char *const arm[] = { "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "r12", "sp", "lr" };

	if (arch == WB_ARCH_X86_64 && number >= FIRST_VECTOR && number != WB_REG_PC)
		return NULL;
	if (arch == WB_ARCH_X86 && number == 9)
		return "eflags";
	if (arch == WB_ARCH_AARCH64 && (number == 29 || number == 30))
		return number == 29 ? "fp" : "lr";
	if (arch == WB_ARCH_ARM && number < sizeof(arm) / sizeof(arm[0]))
		return arm[number];
	return arch == WB_ARCH_ARM ? number == WB_REG_PC ? "pc" : NULL : wb_reg_name(arch, number);
}

static void put_registers(const struct minidump_part *part, struct wb_json *json, const struct wb_sample *sample)
{
	if (!sample->num_contexts)
		return;
	wb_json_open(json, "registers", '{');
	for (size_t i = 0; i < sample->contexts[0].num_regs; i++) {
		const struct wb_reg *reg = &sample->contexts[0].regs[i];
		const char *name = register_name(part->arch, reg->number);

		if (name)
			put_address(part, json, name, reg->value);
	}
	wb_json_close(json, '}');
}

static void put_frames(const struct minidump_part *part, struct wb_json *json, const struct wb_stack *stack, const uint32_t *ids, bool registers)
{
	wb_json_open(json, "frames", '[');
	for (size_t i = 0; i < stack->num_frames; i++) {
		const struct wb_frame *frame = &stack->frames[i];
		const struct wb_fragment *fragment = &part->fragments.items[ids[i]];
		const struct module *module = module_at(&part->modules, frame->lookup_pc);

		wb_json_open(json, NULL, '{');
		wb_json_number(json, "frame", i);
		wb_json_string(json, "trust", trust_of(frame));
		put_address(part, json, "offset", frame->lookup_pc);
		put_text(json, "module", module ? wb_out_basename(module->path) : NULL);
		if (module)
			put_address(part, json, "module_offset", frame->lookup_pc - module->start);
		else
			wb_json_null(json, "module_offset");
		wb_json_members(json, part->fragments.bytes.bytes + fragment->offset, fragment->size);
		put_unloaded(part, json, frame->lookup_pc);
		if (registers && !i)
			put_registers(part, json, stack->sample);
		wb_json_close(json, '}');
	}
	wb_json_close(json, ']');
}

static void put_thread(const struct minidump_part *part, struct wb_json *json, const struct wb_stack *stack, const uint32_t *ids, bool registers)
{
	const struct wb_sample *sample = stack->sample;

	wb_json_number(json, "frame_count", stack->num_frames);
	put_frames(part, json, stack, ids, registers);
	wb_json_null(json, "last_error_value");
	wb_json_number(json, "thread_id", sample->tid);
	put_text(json, "thread_name", sample->flags & WB_SAMPLE_UNNAMED ? NULL : sample->comm);
}

static enum wb_err write_stack(struct wb_sink_part *base, const struct wb_stack *stack, const uint32_t *ids)
{
	struct minidump_part *part = part_of(base);
	struct wb_json json = { &base->out, part->threads > 0 }, crashed = { &part->crashed, false };

	wb_json_open(&json, NULL, '{');
	put_thread(part, &json, stack, ids, false);
	wb_json_close(&json, '}');
	if (stack->sample->flags & WB_SAMPLE_CRASHED && !part->crashed.size) {
		wb_json_open(&crashed, NULL, '{');
		put_thread(part, &crashed, stack, ids, true);
		wb_json_number(&crashed, "threads_index", part->threads);
		wb_json_close(&crashed, '}');
	}
	part->threads++;
	return part->crashed.failed ? WB_ERR_MEMORY : WB_OK;
}

/* ---- What comes before the threads ---- */

static const char *cpu_name(enum wb_arch arch)
{
	return arch == WB_ARCH_X86_64 ? "amd64" : arch == WB_ARCH_AARCH64 ? "arm64" : wb_arch_name(arch);
}

static void put_system(struct wb_json *json, const struct wb_capture_info *info)
{
	const struct wb_dump *dump = info->dump;

	wb_json_open(json, "system_info", '{');
	put_text(json, "os", dump->os_name);
	put_text(json, "os_ver", dump->os_version);
	wb_json_string(json, "cpu_arch", cpu_name(info->platform.arch));
	put_text(json, "cpu_info", dump->cpu_info);
	wb_json_number(json, "cpu_count", dump->num_cpus);
	wb_json_null(json, "cpu_microcode_version");
	wb_json_close(json, '}');
}

static void put_crash(const struct minidump_part *part, struct wb_json *json, const struct wb_capture_info *info)
{
	static const char *const unknown[] = { "adjusted_address", "instruction", "instruction_pointer_update", "memory_accesses", "possible_bit_flips" };
	const struct wb_dump *dump = info->dump;

	wb_json_open(json, "crash_info", '{');
	put_text(json, "type", dump->crash_type);
	if (*dump->crash_type && (dump->has_crash_address || dump->crash_address || dump->crash_kind != WB_CRASH_SIGNAL))
		put_address(part, json, "address", dump->crash_address);
	else
		wb_json_null(json, "address");
	put_text(json, "assertion", dump->assertion);
	wb_json_open(json, "crash_inconsistencies", '[');
	wb_json_close(json, ']');
	/* The thread that crashed is the first. */
	if (info->crash_tid)
		wb_json_number(json, "crashing_thread", 0);
	else
		wb_json_null(json, "crashing_thread");
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		wb_json_null(json, unknown[i]);
	wb_json_close(json, '}');
}

static const char *note(const struct wb_dump *dump, const char *key)
{
	for (size_t i = 0; i < dump->num_notes; i++)
		if (!strcmp(dump->notes[i].key, key))
			return dump->notes[i].value;
	return NULL;
}

static void put_rest(struct wb_json *json, const struct wb_capture_info *info)
{
	static const char *const unknown[] = { "handles", "mac_boot_args", "mac_crash_info", "proc_limits", "soft_errors" };
	const struct wb_dump *dump = info->dump;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		wb_json_null(json, unknown[i]);
	if (dump->num_maps)
		wb_json_number(json, "linux_memory_map_count", dump->num_maps);
	else
		wb_json_null(json, "linux_memory_map_count");
	if (note(dump, "distribution")) {
		wb_json_open(json, "lsb_release", '{');
		put_text(json, "id", note(dump, "distribution id"));
		put_text(json, "release", note(dump, "distribution release"));
		put_text(json, "codename", note(dump, "distribution codename"));
		put_text(json, "description", note(dump, "distribution"));
		wb_json_close(json, '}');
	} else {
		wb_json_null(json, "lsb_release");
	}
	if (dump->created_s && dump->time_s >= dump->created_s)
		wb_json_number(json, "process_uptime", dump->time_s - dump->created_s);
	else
		wb_json_null(json, "process_uptime");
	wb_json_number(json, "main_module", 0);
	wb_json_bool(json, "modules_contains_cert_info", false);
}

static enum wb_err begin(struct wb_sink_part *base, const struct wb_capture_info *info)
{
	struct minidump_part *part = part_of(base);
	struct wb_json json = { &base->out, false };
	enum wb_err err;

	if (!info->dump)
		return WB_ERR_UNSUPPORTED;
	err = modules_init(&part->modules, info->dump->modules, info->dump->num_modules);
	if (!err)
		err = modules_init(&part->unloaded, info->dump->unloaded, info->dump->num_unloaded);
	if (err)
		return err;
	part->arch = info->platform.arch;
	part->digits = part->arch == WB_ARCH_X86 || part->arch == WB_ARCH_ARM ? 8 : 16;
	wb_json_open(&json, NULL, '{');
	wb_json_string(&json, "status", "OK");
	if (info->pid)
		wb_json_number(&json, "pid", info->pid);
	else
		wb_json_null(&json, "pid");
	put_system(&json, info);
	put_crash(part, &json, info);
	put_rest(&json, info);
	wb_json_number(&json, "thread_count", info->threads);
	wb_json_open(&json, "threads", '[');
	return WB_OK;
}

/* ---- And after them ---- */

static bool was_opened(const struct module *module, enum wb_file_role role, enum wb_verdict verdict)
{
	enum wb_verdict had = module->image ? wb_image_verdict(module->image, role) : WB_VERDICT_NOT_TRIED;

	return had == verdict || (verdict == WB_VERDICT_MATCHED && (had == WB_VERDICT_FORCED || had == WB_VERDICT_UNVERIFIABLE));
}

static void put_module(const struct minidump_part *part, struct wb_json *json, const struct module *module)
{
	bool loaded = was_opened(module, WB_FILE_SYMBOLS, WB_VERDICT_MATCHED) || was_opened(module, WB_FILE_EXECUTABLE, WB_VERDICT_MATCHED);

	wb_json_open(json, NULL, '{');
	put_address(part, json, "base_addr", module->start);
	put_address(part, json, "end_addr", module->end);
	put_text(json, "filename", wb_out_basename(module->path));
	put_text(json, "code_id", module->code_id);
	put_text(json, "debug_file", wb_out_basename(module->debug_file));
	put_text(json, "debug_id", module->debug_id);
	put_text(json, "version", module->version);
	wb_json_null(json, "cert_subject");
	wb_json_bool(json, "loaded_symbols", loaded);
	wb_json_bool(json, "missing_symbols", !loaded && was_opened(module, WB_FILE_SYMBOLS, WB_VERDICT_MISSING));
	wb_json_bool(json, "corrupt_symbols", was_opened(module, WB_FILE_SYMBOLS, WB_VERDICT_MALFORMED));
	wb_json_null(json, "symbol_url");
	wb_json_close(json, '}');
}

static void put_unloaded_module(const struct minidump_part *part, struct wb_json *json, const struct module *module)
{
	wb_json_open(json, NULL, '{');
	put_address(part, json, "base_addr", module->start);
	put_address(part, json, "end_addr", module->end);
	put_text(json, "filename", wb_out_basename(module->path));
	put_text(json, "code_id", module->code_id);
	wb_json_null(json, "cert_subject");
	wb_json_close(json, '}');
}

static enum wb_err finish(struct wb_sink_part *base, struct wb_sink *sink)
{
	struct minidump_part *part = part_of(base);
	struct wb_json json = { &base->out, true };

	(void)sink;
	if (!part->digits)
		return WB_OK;
	wb_json_close(&json, ']');
	if (part->crashed.size)
		wb_json_raw(&json, "crashing_thread", part->crashed.bytes, part->crashed.size);
	else
		wb_json_null(&json, "crashing_thread");
	wb_json_open(&json, "modules", '[');
	for (size_t i = 0; i < part->modules.count; i++)
		put_module(part, &json, &part->modules.items[i]);
	wb_json_close(&json, ']');
	wb_json_open(&json, "unloaded_modules", '[');
	for (size_t i = 0; i < part->unloaded.count; i++)
		put_unloaded_module(part, &json, &part->unloaded.items[i]);
	wb_json_close(&json, ']');
	wb_json_close(&json, '}');
	wb_out_char(&base->out, '\n');
	return WB_OK;
}

const struct wb_sink_format wb_sink_format_minidump_json = {
	.name = "minidump-json",
	.wants_sites = true,
	.is_document = true,
	.part_size = sizeof(struct minidump_part),
	.part_deinit = part_deinit,
	.describe = describe,
	.forget = forget,
	.write = write_stack,
	.begin = begin,
	.finish = finish,
};
