/* SPDX-License-Identifier: MIT */
/*
 * ELF cores: a process that died, or was dumped, as threads and memory. Here is the format's face; the headers are capture_core_elf.c's, the
 * notes capture_core_notes.c's, memory capture_core_memory.c's, modules and mappings capture_core_modules.c's and _links.c's.
 *
 * Nothing is read before it is needed: opening reads headers, notes and the first page of each module; a walk reads what it touches. The stack
 * of a thread, from its stack pointer up, is a region of its sample, which costs nothing where the core is mapped.
 */
#include "formats/capture_core.h"

#include "base/err.h"
#include "base/mem.h"
#include "formats/signals.h"
#include "model/session.h"

#include <stdio.h>
#include <string.h>

enum {
	TYPE_AT = 16, ET_CORE = 4,
	STACK_MAX = 16 << 20,         /* bytes of a thread's stack that its sample has; the rest is in the space: twice Linux's default limit */
	STACK_SHARE = 64,             /* of max_memory, for the stacks of one batch where the core is not mapped */
};

enum wb_err wb_core_report(const struct core *core, enum wb_err err, enum wb_diag_code code, uint64_t offset, const char *text)
{
	return wb_diag_report(wb_session_diags(core->input->session), err, code, core->input->name, "", offset, "%s", text);
}

static bool core_probe(const uint8_t *head, size_t size)
{
	return size >= TYPE_AT + 2 && !memcmp(head, "\177ELF", 4) && wb_load16(head + TYPE_AT, head[5] == 2) == ET_CORE;
}

static void core_free(void *state)
{
	struct core *core = state;

	if (!core)
		return;
	wb_goroutines_free(core->goroutines);
	wb_space_unref(core->space);
	wb_core_modules_deinit(core);
	wb_piece_deinit(&core->file_note);
	wb_core_memory_unref(core->memory);
	wb_mem_free(core->files);
	wb_mem_free(core->stacks);
	wb_mem_free(core->threads);
	wb_mem_free(core->dump_modules);
	wb_mem_free(core->dump_texts);
	wb_mem_free(core);
}

/* Linux dumps the thread that took the signal first. Debuggers dump threads in their order, and one of them has the signal. */
static void choose_crashed(struct core *core)
{
	size_t with_signal = core->num_threads, others = 0;

	core->crashed = 0;
	for (size_t i = 0; i < core->num_threads; i++) {
		if (core->threads[i].has_siginfo) {
			core->crashed = i;
			return;
		}
		if (!core->threads[i].signal)
			others++;
		else if (with_signal == core->num_threads)
			with_signal = i;
	}
	if (others && with_signal < core->num_threads)
		core->crashed = with_signal;
}

static void describe_crash(struct core *core)
{
	struct core_siginfo *info = &core->siginfo;

	if (!info->is_known && core->num_threads) {
		info->signal = core->threads[core->crashed].signal;
		info->tid = core->threads[core->crashed].tid;
	}
	/* A debugger dumps a process that it stopped: that is no crash. */
	if (wb_signal_is_fatal(info->signal))
		wb_signal_describe(info->signal, info->is_known ? &info->code : NULL, info->address, info->sender, core->reason, sizeof(core->reason));
}

static enum wb_err read_core(struct core *core)
{
	enum wb_err err = wb_core_read_headers(core);

	if (err)
		return err;
	choose_crashed(core);
	describe_crash(core);
	if (!core->pid && core->num_threads)
		core->pid = core->threads[0].tid;
	if (core->is_truncated)
		wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_TRUNCATED, wb_file_size(core->memory->file),
		               "the core was cut here: memory behind is absent, stacks first");
	if (!core->num_threads)
		wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "no thread's registers are in it");
	err = wb_core_read_modules(core);
	return err ? err : wb_core_describe(core);
}

static enum wb_err core_open(struct wb_capture_input *input, void **ret_state)
{
	struct core *core = wb_mem_zalloc(1, sizeof(*core));
	enum wb_err err;

	if (!input->file) {
		wb_mem_free(core);
		return wb_diag_report(wb_session_diags(input->session), WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, input->name, "", UINT64_MAX,
		                      "an ELF core is read back and forth, which a stream does not allow; it must be a file");
	}
	if (core)
		core->memory = wb_mem_zalloc(1, sizeof(*core->memory));
	if (!core || !core->memory) {
		wb_mem_free(core);
		return WB_ERR_MEMORY;
	}
	core->input = input;
	atomic_init(&core->memory->refs, 1);
	/* The memory's from here on: spaces that callers keep read from it when the capture is gone. */
	core->memory->file = input->file;
	input->file = NULL;
	err = read_core(core);
	if (err) {
		core_free(core);
		return err;
	}
	*ret_state = core;
	return WB_OK;
}

/* ---- Stacks ---- */

/* The registers that unwinding knows. WB_NONE: they cannot be read. */
static enum wb_err read_regs(const struct core *core, const struct core_thread *thread, struct wb_reg *regs, size_t *ret_count)
{
	const struct wb_arch_info *arch = core->arch;
	uint8_t bytes[WB_SLOTS_MAX * 8];
	size_t size = (size_t)arch->num_core_regs * core_word_size(core), count = 0;
	struct wb_bytes b = core_bytes(core, bytes, size);

	if (size > sizeof(bytes) || wb_file_read(core->memory->file, thread->regs_offset, bytes, size))
		return WB_NONE;
	for (uint32_t i = 0; i < arch->num_core_regs; i++) {
		uint64_t value = core_word(core, &b);
		uint8_t slot = arch->core_regs[i];

		if (slot != WB_SLOT_NONE)
			regs[count++] = (struct wb_reg){ .number = arch->regs[slot].number, .value = value };
	}
	*ret_count = count;
	return WB_OK;
}

static uint64_t stack_pointer(const struct core *core, const struct wb_context *context)
{
	uint32_t number = core->arch->regs[core->arch->sp].number;

	for (size_t i = 0; i < context->num_regs; i++)
		if (context->regs[i].number == number)
			return context->regs[i].value;
	return 0;
}

/* The stack from the stack pointer (and what may be in use below it) to its end, at most that of its segment, as far as the dump has it. */
static enum wb_err read_stack(const struct core *core, uint64_t sp, uint64_t end, struct wb_capture_batch *batch, struct wb_region *region)
{
	uint64_t below = sp - core->arch->red_zone, at, limit = core->input->opts.max_memory / STACK_SHARE;
	const struct core_segment *segment = wb_core_segment_at(core->memory, sp);
	struct wb_piece piece;
	uint64_t size;
	enum wb_err err;

	if (!segment || sp - segment->start >= segment->size)
		return WB_NONE;
	if (below < segment->start || below > sp)
		below = segment->start;
	at = below - segment->start;
	size = segment->size - at;
	limit = limit < STACK_MAX ? limit : STACK_MAX;
	if (end > sp && end - below < limit)
		limit = end - below;
	if (size > limit)
		size = limit;
	err = wb_file_piece(core->memory->file, segment->offset + at, size, &piece);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	if (piece.owned) {
		err = wb_capture_batch_pin(batch, wb_mem_free, piece.owned);
		if (err)
			return err;
	}
	*region = (struct wb_region){ .address = below, .bytes = piece.bytes, .size = piece.size };
	return WB_OK;
}

/* A sample as it is put together: its thread's registers, those where the thread's goroutine goes on, and the stacks of both. */
struct core_sample {
	struct wb_sample sample;      /* first: what is given */
	struct wb_context contexts[2];
	struct wb_region regions[2];
	struct wb_reg regs[WB_SLOTS_MAX];
};

/* The stack that a context is on, unless it is the one that is there already. Regions are sorted and disjoint. */
static enum wb_err add_region(const struct core *core, const struct wb_context *context, uint64_t end, struct wb_capture_batch *batch,
                              struct core_sample *sample)
{
	size_t count = sample->sample.num_regions;
	struct wb_region region, *first = &sample->regions[0];
	enum wb_err err = read_stack(core, stack_pointer(core, context), end, batch, &region);

	if (err)
		return err == WB_NONE ? WB_OK : err;
	if (count && region.address < first->address + first->size && first->address < region.address + region.size)
		return WB_OK;
	if (count && region.address < first->address) {
		sample->regions[1] = *first;
		*first = region;
	} else {
		sample->regions[count] = region;
	}
	sample->sample.num_regions++;
	return WB_OK;
}

static enum wb_err add_thread(const struct core *core, const struct core_thread *thread, struct wb_capture_batch *batch, struct core_sample *sample)
{
	struct wb_context *context = &sample->contexts[0];

	sample->sample.tid = thread->tid;
	if (*core->reason && thread == &core->threads[core->crashed])
		sample->sample.flags |= WB_SAMPLE_CRASHED;
	*context = (struct wb_context){ .regs = sample->regs, .pc_kind = WB_PC_EXACT };
	if (read_regs(core, thread, sample->regs, &context->num_regs))
		return WB_OK;
	sample->sample.num_contexts = 1;
	return add_region(core, context, 0, batch, sample);
}

/* Where the goroutine goes on: behind the thread that runs it, if there is one. The registers of one that runs on no thread of the dump are lost. */
static enum wb_err add_goroutine(const struct core *core, const struct wb_goroutine *goroutine, struct wb_capture_batch *batch, struct core_sample *sample)
{
	size_t count = sample->sample.num_contexts;

	sample->sample.goroutine = goroutine;
	sample->sample.labels = goroutine->labels;
	sample->sample.num_labels = goroutine->num_labels;
	if (!goroutine->context.num_regs || (!count && goroutine->status == WB_GOROUTINE_RUNNING))
		return WB_OK;
	sample->contexts[count] = goroutine->context;
	sample->sample.num_contexts++;
	return add_region(core, &goroutine->context, goroutine->stack_end, batch, sample);
}

static enum wb_err add_stack(struct core *core, const struct core_stack *stack, struct wb_capture_batch *batch)
{
	struct core_sample *sample = wb_capture_batch_alloc(batch, sizeof(*sample));
	struct wb_goroutine *goroutine = NULL;
	enum wb_err err = WB_OK;

	if (!sample)
		return WB_ERR_MEMORY;
	sample->sample = (struct wb_sample){ .size = sizeof(sample->sample), .contexts = sample->contexts, .regions = sample->regions, .pid = core->pid,
	                                     .cpu = UINT32_MAX, .comm = core->comm };
	if (stack->thread != CORE_NONE)
		err = add_thread(core, &core->threads[stack->thread], batch, sample);
	if (!err && stack->goroutine != CORE_NONE)
		err = wb_core_take_goroutine(core, stack->goroutine, batch, &goroutine);
	if (!err && goroutine)
		err = add_goroutine(core, goroutine, batch, sample);
	/* A batch holds the capture, and so the space. */
	return err < 0 ? err : wb_capture_batch_add(batch, core->space, &sample->sample);
}

/* A goroutine that runs nowhere is in no thread: asked for some threads, it is not meant. */
static bool is_wanted(const struct core *core, const struct core_stack *stack)
{
	uint32_t tid = stack->thread == CORE_NONE ? 0 : core->threads[stack->thread].tid;

	return wb_capture_wants(core->input, core->pid, tid);
}

static enum wb_err core_fill(void *state, size_t max, struct wb_capture_batch *batch)
{
	struct core *core = state;
	enum wb_err err = core->stacks ? WB_OK : wb_core_list_stacks(core);

	while (!err && core->given < core->num_stacks && wb_capture_batch_count(batch) < max) {
		const struct core_stack *stack = &core->stacks[core->given];

		if (is_wanted(core, stack))
			err = add_stack(core, stack, batch);
		if (!err)
			core->given++;
	}
	if (err)
		return err;
	return core->given < core->num_stacks ? WB_OK : WB_NONE;
}

static enum wb_err core_info(void *state, struct wb_capture_info *info)
{
	const struct core *core = state;
	const struct core_memory *memory = core->memory;

	info->platform = core->platform;
	info->command_line = core->args;
	info->modules = core->shown;
	info->num_modules = core->num_modules;
	info->samples = core->given;
	info->records = core->num_notes;
	info->bytes_total = info->bytes_done = wb_file_size(memory->file);
	info->pid = core->pid;
	info->threads = core->num_threads;
	info->truncated = core->is_truncated;
	info->signal = core->siginfo.signal;
	info->signal_code = core->siginfo.code;
	info->signal_address = wb_signal_has_address(core->siginfo.signal, core->siginfo.code) ? core->siginfo.address : 0;
	info->crash_reason = core->reason;
	info->dump = &core->dump;
	info->crash_tid = *core->reason && core->num_threads ? core->threads[core->crashed].tid : 0;
	for (size_t i = 0; i < memory->num_segments; i++) {
		info->memory_mapped += memory->segments[i].end - memory->segments[i].start;
		info->memory_dumped += memory->segments[i].size;
	}
	return WB_OK;
}

const struct wb_capture_format wb_capture_format_core = {
	.name = "elf-core",
	.probe = core_probe,
	.open = core_open,
	.fill = core_fill,
	.info = core_info,
	.free = core_free,
};
