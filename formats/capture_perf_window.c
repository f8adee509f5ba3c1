/* SPDX-License-Identifier: MIT */
/*
 * Windows: pieces of the recording in memory. Samples point into them, so their bytes (the buffer) are counted apart from the reader's own
 * bookkeeping (the window): a batch pins buffers, while the reader may put a window of a file out of memory as long as its records wait for
 * their turn, and read it again. So memory depends neither on the recording's size nor on how much perf buffered in one round.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"

enum {
	FREE_BUFFERS_MAX = 32,        /* kept for reuse: touching fresh memory costs more than reading into it */
	BUDGET_DIVISOR = 32,          /* of max_memory: 16 MiB by default, 128 windows */
	BUDGET_MIN_WINDOWS = 32,
};

void wb_perf_windows_init(struct wb_perf_windows *windows, uint64_t max_memory)
{
	uint64_t budget = max_memory / BUDGET_DIVISOR;

	windows->budget = budget > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)budget;
	if (windows->budget < BUDGET_MIN_WINDOWS * (size_t)WB_PERF_WINDOW_SIZE)
		windows->budget = BUDGET_MIN_WINDOWS * (size_t)WB_PERF_WINDOW_SIZE;
	wb_lock_init(&windows->lock);
}

void wb_perf_windows_deinit(struct wb_perf_windows *windows)
{
	while (windows->free_buffers) {
		struct wb_perf_buffer *next = windows->free_buffers->next;

		wb_mem_free(windows->free_buffers);
		windows->free_buffers = next;
	}
	while (windows->free_windows) {
		struct wb_perf_window *next = windows->free_windows->newer;

		wb_mem_free(windows->free_windows);
		windows->free_windows = next;
	}
	wb_lock_deinit(&windows->lock);
}

/* ---- Buffers ------------------------------------------------------------------------------------------------------ */

static enum wb_err buffer_new(struct wb_perf_windows *windows, struct wb_perf_buffer **ret_buffer)
{
	struct wb_perf_buffer *buffer;

	wb_lock_take(&windows->lock);
	buffer = windows->free_buffers;
	if (buffer) {
		windows->free_buffers = buffer->next;
		windows->num_free--;
	}
	wb_lock_give(&windows->lock);
	if (!buffer) {
		buffer = wb_mem_alloc(sizeof(*buffer) + WB_PERF_WINDOW_SIZE);
		if (!buffer)
			return WB_ERR_MEMORY;
		buffer->windows = windows;
		buffer->bytes = (uint8_t *)(buffer + 1);
		buffer->capacity = WB_PERF_WINDOW_SIZE;
		buffer->file = NULL;
	}
	atomic_init(&buffer->refs, 1);
	*ret_buffer = buffer;
	return WB_OK;
}

/* A part of the file's mapping: nothing to copy. */
static enum wb_err buffer_of_mapping(struct wb_perf_windows *windows, struct wb_file *file, uint64_t offset, size_t size,
				     struct wb_perf_buffer **ret_buffer)
{
	const uint8_t *memory = wb_file_memory(file);
	struct wb_perf_buffer *buffer = wb_mem_zalloc(1, sizeof(*buffer));

	if (!buffer)
		return WB_ERR_MEMORY;
	atomic_init(&buffer->refs, 1);
	buffer->windows = windows;
	buffer->bytes = (uint8_t *)(uintptr_t)(memory + offset);
	buffer->capacity = size;
	buffer->file = file;
	buffer->file_offset = offset;
	*ret_buffer = buffer;
	return WB_OK;
}

/* From any thread. The windows and files are still there: a batch keeps its capture. */
static void buffer_unref(void *arg)
{
	struct wb_perf_buffer *buffer = arg;
	struct wb_perf_windows *windows = buffer->windows;

	if (atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (buffer->file) {
		wb_file_forget(buffer->file, buffer->file_offset, buffer->capacity);
		wb_mem_free(buffer);
		return;
	}
	wb_lock_take(&windows->lock);
	if (windows->num_free < FREE_BUFFERS_MAX) {
		buffer->next = windows->free_buffers;
		windows->free_buffers = buffer;
		windows->num_free++;
		buffer = NULL;
	}
	wb_lock_give(&windows->lock);
	wb_mem_free(buffer);
}

/* ---- Windows by last use ------------------------------------------------------------------------------------------ */

static void unlink_window(struct wb_perf_windows *windows, struct wb_perf_window *window)
{
	*(window->older ? &window->older->newer : &windows->oldest) = window->newer;
	*(window->newer ? &window->newer->older : &windows->newest) = window->older;
}

static void link_newest(struct wb_perf_windows *windows, struct wb_perf_window *window)
{
	window->older = windows->newest;
	window->newer = NULL;
	*(windows->newest ? &windows->newest->newer : &windows->oldest) = window;
	windows->newest = window;
}

static void drop_buffer(struct wb_perf_windows *windows, struct wb_perf_window *window)
{
	windows->resident -= window->buffer->capacity;
	if (!window->file)
		windows->kept -= window->buffer->capacity;
	unlink_window(windows, window);
	buffer_unref(window->buffer);
	window->buffer = NULL;
	window->batch = 0;
}

/* Puts windows out, the least recently used first. The newest two stay: the one being read, and the one it waits for. */
static void keep_budget(struct wb_perf_windows *windows)
{
	struct wb_perf_window *window = windows->oldest;

	while (windows->resident > windows->budget && window && window != windows->newest && window != windows->newest->older) {
		struct wb_perf_window *newer = window->newer;

		if (window->file && !window->filling)
			drop_buffer(windows, window);
		window = newer;
	}
}

static void give_buffer(struct wb_perf_windows *windows, struct wb_perf_window *window, struct wb_perf_buffer *buffer)
{
	window->buffer = buffer;
	windows->resident += buffer->capacity;
	if (!window->file)
		windows->kept += buffer->capacity;
	link_newest(windows, window);
	keep_budget(windows);
}

static struct wb_perf_window *window_alloc(struct wb_perf_windows *windows)
{
	struct wb_perf_window *window = windows->free_windows;

	if (window)
		windows->free_windows = window->newer;
	else
		window = wb_mem_alloc(sizeof(*window));
	if (window)
		*window = (struct wb_perf_window){ .users = 1, .filling = true };
	return window;
}

enum wb_err wb_perf_window_new(struct wb_perf_windows *windows, uint64_t position, struct wb_perf_window **ret_window)
{
	struct wb_perf_window *window = window_alloc(windows);
	struct wb_perf_buffer *buffer;

	if (!window)
		return WB_ERR_MEMORY;
	if (buffer_new(windows, &buffer) != WB_OK) {
		window->newer = windows->free_windows;
		windows->free_windows = window;
		return WB_ERR_MEMORY;
	}
	window->position = position;
	give_buffer(windows, window, buffer);
	*ret_window = window;
	return WB_OK;
}

static enum wb_err load(struct wb_perf_windows *windows, struct wb_file *file, uint64_t position, size_t size,
			struct wb_perf_buffer **ret_buffer)
{
	struct wb_perf_buffer *buffer;
	enum wb_err err;

	if (wb_file_memory(file))
		return buffer_of_mapping(windows, file, position, size, ret_buffer);
	err = buffer_new(windows, &buffer);
	if (err != WB_OK)
		return err;
	err = wb_file_read(file, position, buffer->bytes, size);
	if (err != WB_OK) {
		buffer_unref(buffer);
		return err;
	}
	*ret_buffer = buffer;
	return WB_OK;
}

enum wb_err wb_perf_window_load(struct wb_perf_windows *windows, struct wb_file *file, uint64_t position, uint64_t left,
				struct wb_perf_window **ret_window)
{
	size_t size = left < WB_PERF_WINDOW_SIZE ? (size_t)left : (size_t)WB_PERF_WINDOW_SIZE;
	struct wb_perf_window *window = window_alloc(windows);
	struct wb_perf_buffer *buffer;
	enum wb_err err;

	if (!window)
		return WB_ERR_MEMORY;
	err = load(windows, file, position, size, &buffer);
	if (err != WB_OK) {
		window->newer = windows->free_windows;
		windows->free_windows = window;
		return err;
	}
	window->position = position;
	window->size = size;
	window->file = file;
	give_buffer(windows, window, buffer);
	*ret_window = window;
	return WB_OK;
}

enum wb_err wb_perf_window_use(struct wb_perf_windows *windows, struct wb_perf_window *window)
{
	struct wb_perf_buffer *buffer;
	enum wb_err err;

	if (window == windows->newest)
		return WB_OK;
	if (window->buffer) {
		unlink_window(windows, window);
		link_newest(windows, window);
		return WB_OK;
	}
	err = load(windows, window->file, window->position, window->size, &buffer);
	if (err == WB_OK)
		give_buffer(windows, window, buffer);
	return err;
}

void wb_perf_window_release(struct wb_perf_windows *windows, struct wb_perf_window *window)
{
	if (!window || --window->users)
		return;
	if (window->buffer)
		drop_buffer(windows, window);
	window->newer = windows->free_windows;
	windows->free_windows = window;
}

enum wb_err wb_perf_window_pin(struct wb_perf_window *window, struct wb_capture_batch *to, uint64_t batch)
{
	enum wb_err err;

	if (window->batch == batch)
		return WB_OK;
	atomic_fetch_add_explicit(&window->buffer->refs, 1, memory_order_relaxed);
	err = wb_capture_batch_pin(to, buffer_unref, window->buffer);
	if (err == WB_OK)
		window->batch = batch;
	return err;
}
