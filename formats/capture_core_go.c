/* SPDX-License-Identifier: MIT */
/*
 * Which stacks a core gives, in which order: its threads; and where goroutines are asked for, those as well, a running one together with its thread.
 * The thread that crashed comes first, then goroutines in the runtime's order, then threads that run none.
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>
#include <string.h>

/* ---- The order ---- */

static void add(struct core *core, uint32_t thread, uint32_t goroutine)
{
	core->stacks[core->num_stacks++] = (struct core_stack){ thread, goroutine };
}

/* The thread that crashed first, the others as they are in the file. */
static uint32_t nth_thread(const struct core *core, size_t nth)
{
	return (uint32_t)(nth == 0 ? core->crashed : nth <= core->crashed ? nth - 1 : nth);
}

static enum wb_err list_threads(struct core *core)
{
	core->stacks = wb_mem_zalloc(core->num_threads, sizeof(*core->stacks));
	if (!core->stacks)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < core->num_threads; i++)
		add(core, nth_thread(core, i), CORE_NONE);
	return WB_OK;
}

/* Threads by number, and who runs what. */
struct by_tid { uint32_t tid, thread; };
struct found { uint32_t thread; bool is_system; };
struct matching {
	struct by_tid *by_tid;        /* sorted */
	uint32_t *runs;               /* by thread: its goroutine, or CORE_NONE */
	struct found *goroutines;     /* their threads, or CORE_NONE */
	size_t num_goroutines;
};

static int compare_tids(const void *a, const void *b)
{
	const struct by_tid *x = a, *y = b;

	return x->tid != y->tid ? (x->tid < y->tid ? -1 : 1) : x->thread < y->thread ? -1 : x->thread > y->thread;
}

static uint32_t find_thread(const struct core *core, const struct matching *matching, uint32_t tid)
{
	size_t low = 0, high = core->num_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (matching->by_tid[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < core->num_threads && matching->by_tid[low].tid == tid ? matching->by_tid[low].thread : CORE_NONE;
}

static void match(const struct core *core, struct matching *matching)
{
	for (size_t i = 0; i < core->num_threads; i++) {
		matching->by_tid[i] = (struct by_tid){ core->threads[i].tid, (uint32_t)i };
		matching->runs[i] = CORE_NONE;
	}
	qsort(matching->by_tid, core->num_threads, sizeof(matching->by_tid[0]), compare_tids);
	for (size_t i = 0; i < matching->num_goroutines; i++) {
		struct wb_goroutine goroutine = { .size = sizeof(goroutine) };
		uint32_t thread = CORE_NONE;

		if (wb_goroutines_get(core->goroutines, i, &goroutine))
			continue;
		if (goroutine.flags & WB_GOROUTINE_ON_THREAD && goroutine.tid)
			thread = find_thread(core, matching, goroutine.tid);
		if (thread != CORE_NONE && matching->runs[thread] == CORE_NONE)
			matching->runs[thread] = (uint32_t)i;
		else
			thread = CORE_NONE;
		matching->goroutines[i] = (struct found){ thread, goroutine.flags & WB_GOROUTINE_SYSTEM };
	}
}

static void order(struct core *core, const struct matching *matching)
{
	uint32_t first = core->num_threads ? (uint32_t)core->crashed : CORE_NONE;

	if (first != CORE_NONE)
		add(core, first, matching->runs[first]);
	for (size_t i = 0; i < matching->num_goroutines; i++) {
		const struct found *goroutine = &matching->goroutines[i];

		if (!goroutine->is_system && (goroutine->thread == CORE_NONE || goroutine->thread != first))
			add(core, goroutine->thread, (uint32_t)i);
	}
	/* The system stack of a thread that is not in the dump has nothing to show. */
	for (size_t i = 1; i < core->num_threads; i++) {
		uint32_t thread = nth_thread(core, i), goroutine = matching->runs[thread];

		if (goroutine == CORE_NONE || matching->goroutines[goroutine].is_system)
			add(core, thread, goroutine);
	}
}

static enum wb_err list_all(struct core *core)
{
	struct matching matching = { .num_goroutines = wb_goroutines_count(core->goroutines) };
	enum wb_err err = WB_ERR_MEMORY;

	matching.by_tid = wb_mem_zalloc(core->num_threads, sizeof(*matching.by_tid));
	matching.runs = wb_mem_zalloc(core->num_threads, sizeof(*matching.runs));
	matching.goroutines = wb_mem_zalloc(matching.num_goroutines, sizeof(*matching.goroutines));
	core->stacks = wb_mem_zalloc(core->num_threads + matching.num_goroutines, sizeof(*core->stacks));
	if (matching.by_tid && matching.runs && matching.goroutines && core->stacks) {
		match(core, &matching);
		order(core, &matching);
		err = WB_OK;
	}
	wb_mem_free(matching.by_tid);
	wb_mem_free(matching.runs);
	wb_mem_free(matching.goroutines);
	return err;
}

enum wb_err wb_core_list_stacks(struct core *core)
{
	enum wb_err err = core->input->opts.goroutines ? wb_goroutines_new(core->space, &core->goroutines) : WB_NONE;

	if (err == WB_NONE && core->input->opts.goroutines)
		wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "no goroutines: no data of a Go runtime whose executable is had");
	/* What is wrong with them was reported; the threads are there all the same. */
	if (err == WB_NONE || err == WB_ERR_DATA)
		return list_threads(core);
	return err ? err : list_all(core);
}

/* ---- Goroutines that outlive the next ---- */

static char *copy_text(struct wb_capture_batch *batch, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = wb_capture_batch_alloc(batch, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static enum wb_err copy_labels(struct wb_goroutine *goroutine, struct wb_capture_batch *batch)
{
	struct wb_label *labels = wb_capture_batch_alloc(batch, goroutine->num_labels * sizeof(*labels));

	if (!labels)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < goroutine->num_labels; i++) {
		labels[i].key = copy_text(batch, goroutine->labels[i].key);
		labels[i].value = copy_text(batch, goroutine->labels[i].value);
		if (!labels[i].key || !labels[i].value)
			return WB_ERR_MEMORY;
	}
	goroutine->labels = labels;
	return WB_OK;
}

enum wb_err wb_core_take_goroutine(const struct core *core, uint32_t index, struct wb_capture_batch *batch, struct wb_goroutine **ret_goroutine)
{
	struct wb_goroutine *goroutine = wb_capture_batch_alloc(batch, sizeof(*goroutine));
	struct wb_reg *regs = NULL;
	enum wb_err err;

	if (!goroutine)
		return WB_ERR_MEMORY;
	*goroutine = (struct wb_goroutine){ .size = sizeof(*goroutine) };
	err = wb_goroutines_get(core->goroutines, index, goroutine);
	if (err)
		return err;
	goroutine->state = copy_text(batch, goroutine->state);
	regs = wb_capture_batch_alloc(batch, goroutine->context.num_regs * sizeof(*regs));
	if (!goroutine->state || !regs)
		return WB_ERR_MEMORY;
	if (goroutine->context.num_regs)
		memcpy(regs, goroutine->context.regs, goroutine->context.num_regs * sizeof(*regs));
	goroutine->context.regs = regs;
	err = copy_labels(goroutine, batch);
	if (!err)
		*ret_goroutine = goroutine;
	return err;
}
