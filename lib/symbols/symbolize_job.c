/* SPDX-License-Identifier: MIT */
/*
 * Many addresses for several threads. The first to come unpacks debug information from its start; the others follow it through the addresses, in
 * the order in which their units come out, a share after the other. Where nothing is unpacked the order keeps threads apart: neighbours share
 * a unit, and two shares most often do not.
 */
#include "symbols/dwarf.h"
#include "symbols/symbolizer.h"

#include "base/lock.h"
#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>

enum {
	SHARES = 64,                  /* of a thread: small ones even out what addresses cost */
	STRETCH = 32,                 /* times its size that a share may grow: of one huge unit, each thread gets some of the addresses */
};

struct item {
	uint64_t place;               /* of its unit, see wb_dwarf_place; 0: no units are asked */
	uint64_t image_pc;
	size_t index;                 /* the caller's */
};

struct wb_symbolize_job {
	struct wb_image *image;
	enum wb_pc_kind kind;
	unsigned threads;
	struct item *items;
	size_t count, share;          /* share: how many a thread takes at least */
	struct wb_lock lock;          /* guards what follows, and the items until they are sorted */
	bool is_sorted;               /* by place, then address */
	size_t next;                  /* the first item that nobody took yet */
};

enum wb_err wb_symbolize_job_new(struct wb_image *image, const uint64_t *image_pcs, size_t count, enum wb_pc_kind kind, unsigned threads,
                                 struct wb_symbolize_job **ret_job)
{
	struct wb_symbolize_job *job;

	if (!image || (count > 0 && !image_pcs) || !ret_job)
		return WB_ERR_ARGUMENT;
	job = wb_mem_zalloc(1, sizeof *job);
	if (job)
		job->items = wb_mem_zalloc(count ? count : 1, sizeof *job->items);
	if (!job || !job->items) {
		wb_mem_free(job);
		return WB_ERR_MEMORY;
	}
	job->image = wb_image_ref(image);
	job->kind = kind;
	job->threads = threads ? threads : 1;
	job->count = count;
	job->share = count / job->threads / SHARES + 1;
	for (size_t i = 0; i < count; i++)
		job->items[i] = (struct item){ .image_pc = image_pcs[i], .index = i };
	wb_lock_init(&job->lock);
	*ret_job = job;
	return WB_OK;
}

void wb_symbolize_job_free(struct wb_symbolize_job *job)
{
	if (!job)
		return;
	wb_image_unref(job->image);
	wb_lock_deinit(&job->lock);
	wb_mem_free(job->items);
	wb_mem_free(job);
}

static int by_place(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->image_pc != b->image_pc)
		return a->image_pc < b->image_pc ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void find_places(struct wb_symbolize_job *job)
{
	struct wb_dwarf *dwarf;
	enum wb_err err = wb_dwarf_of_image(job->image, &dwarf);

	for (size_t i = 0; !err && i < job->count; i++)
		job->items[i].place = wb_dwarf_place(dwarf, job->items[i].image_pc);
}

/* By who is first; others wait. */
static void sort_items(struct wb_symbolize_job *job, bool by_unit)
{
	wb_lock_take(&job->lock);
	if (!job->is_sorted) {
		if (by_unit)
			find_places(job);
		qsort(job->items, job->count, sizeof *job->items, by_place);
		job->is_sorted = true;
	}
	wb_lock_give(&job->lock);
}

static enum wb_err answer(const struct wb_symbolize_job *job, struct wb_symbolizer *symbolizer, size_t first, size_t end, wb_sites_fn fn, void *arg)
{
	enum wb_err err = WB_OK;

	for (size_t i = first; !err && i < end; i++) {
		const struct wb_site *sites;
		size_t num_sites;

		err = wb_symbolize(symbolizer, job->image, job->items[i].image_pc, job->kind, &sites, &num_sites);
		if (!err)
			err = fn(arg, job->items[i].index, sites, num_sites);
	}
	return err ? err : wb_session_check(symbolizer->session, end, job->count);
}

/* To the end of a unit if that is not far, so that no two threads wait for the same one; false: nothing is left. */
static bool take_share(struct wb_symbolize_job *job, size_t *ret_first, size_t *ret_end)
{
	size_t first, end, limit;

	wb_lock_take(&job->lock);
	first = job->next;
	end = job->count - first < job->share ? job->count : first + job->share;
	limit = job->count - end < job->share * STRETCH ? job->count : end + job->share * STRETCH;
	while (end < limit && job->items[end].place == job->items[end - 1].place)
		end++;
	job->next = end;
	wb_lock_give(&job->lock);
	*ret_first = first;
	*ret_end = end;
	return first < end;
}

enum wb_err wb_symbolize_job_run(struct wb_symbolize_job *job, struct wb_symbolizer *symbolizer, wb_sites_fn fn, void *arg)
{
	enum wb_err err = WB_OK;
	size_t first, end;

	if (!job || !symbolizer || !fn)
		return WB_ERR_ARGUMENT;
	sort_items(job, wb_symbolizer_expect(symbolizer, job->image, job->count, job->threads > 1));
	while (!err && take_share(job, &first, &end))
		err = answer(job, symbolizer, first, end, fn, arg);
	return err;
}
