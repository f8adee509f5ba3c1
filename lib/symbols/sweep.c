/* SPDX-License-Identifier: MIT */
/* The sweep over sorted ranges. Each range is pushed and popped once: linear, however they overlap. */
#include "symbols/sweep.h"

#include "base/mem.h"

enum wb_err wb_sweep_init(struct wb_sweep *sweep, size_t max_ranges)
{
	*sweep = (struct wb_sweep){ 0 };
	/* A range opens one segment, and another begins where it ends. */
	if (!wb_size_mul(max_ranges, 2, &sweep->capacity))
		return WB_ERR_MEMORY;
	sweep->starts = wb_mem_resize(NULL, sweep->capacity, sizeof *sweep->starts);
	sweep->ids = wb_mem_resize(NULL, sweep->capacity, sizeof *sweep->ids);
	if (sweep->starts && sweep->ids)
		return WB_OK;
	wb_sweep_deinit(sweep);
	return WB_ERR_MEMORY;
}

void wb_sweep_deinit(struct wb_sweep *sweep)
{
	wb_mem_free(sweep->starts);
	wb_mem_free(sweep->ids);
	wb_mem_free(sweep->open);
	*sweep = (struct wb_sweep){ 0 };
}

/* From start on, addresses belong to id. */
static void emit(struct wb_sweep *sweep, uint64_t start, uint32_t id)
{
	size_t n = sweep->num_segments;

	if (n > 0 && sweep->starts[n - 1] == start)
		n--;
	sweep->num_segments = n;
	if (n > 0 ? sweep->ids[n - 1] == id : id == WB_SWEEP_NONE)
		return;
	sweep->starts[n] = start;
	sweep->ids[n] = id;
	sweep->num_segments = n + 1;
}

void wb_sweep_to(struct wb_sweep *sweep, uint64_t address)
{
	while (sweep->num_open > 0 && sweep->open[sweep->num_open - 1].end <= address) {
		uint64_t end = sweep->open[--sweep->num_open].end;

		/* Ranges below that ended meanwhile: they overlapped without nesting. */
		while (sweep->num_open > 0 && sweep->open[sweep->num_open - 1].end <= end)
			sweep->num_open--;
		emit(sweep, end, sweep->num_open > 0 ? sweep->open[sweep->num_open - 1].id : WB_SWEEP_NONE);
	}
}

enum wb_err wb_sweep_open(struct wb_sweep *sweep, uint64_t start, uint64_t end, uint32_t id)
{
	wb_sweep_to(sweep, start);
	if (sweep->num_open == sweep->open_capacity &&
	    !wb_mem_grow((void **)&sweep->open, &sweep->open_capacity, sweep->num_open, 1, sizeof *sweep->open))
		return WB_ERR_MEMORY;
	sweep->open[sweep->num_open++] = (struct wb_sweep_open){ end, id };
	emit(sweep, start, id);
	return WB_OK;
}
