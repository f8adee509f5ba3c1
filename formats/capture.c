/* SPDX-License-Identifier: MIT */
/*
 * Captures: opens the input, finds the format by its first bytes, hands out samples one by one or in batches. Everything that is the same
 * for all formats is here; what a format must do is in capture.h.
 */
#include "formats/capture.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"

#include <stdatomic.h>
#include <string.h>

enum {
	DEFAULT_MEMORY = 512 << 20,   /* bytes: what wb_capture_opts.max_memory promises for 0 */
	BLOCK_SIZE = 64 << 10,        /* bytes of a batch's memory block: some 100 samples with 20 registers */
	NEXT_BATCH = 64,              /* samples that wb_capture_next reads at a time */
};

struct wb_capture {
	atomic_uint refs;             /* the caller's hold and every batch's */
	struct wb_capture_input input;
	const struct wb_capture_format *format;
	void *state;
	enum wb_err end;              /* WB_OK while there may be more */
	uint64_t given;               /* samples handed out in batches */
	struct wb_capture_batch *current; /* of wb_capture_next; NULL before the first */
	size_t next;                  /* item of current */
};

/* ---- Batches ------------------------------------------------------------------------------------------------------ */

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct pin {
	void (*release)(void *arg);
	void *arg;
};

struct wb_capture_batch {
	struct wb_batch face;         /* first: what the caller sees */
	atomic_uint refs;
	struct wb_capture *capture;   /* referenced */
	struct wb_walk_item *items;
	size_t count, capacity;
	struct pin *pins;
	size_t num_pins, pins_capacity;
	struct block *blocks;         /* the newest first */
};

static void capture_unref(struct wb_capture *capture);

static enum wb_err batch_new(struct wb_capture *capture, struct wb_capture_batch **ret_batch)
{
	struct wb_capture_batch *batch = wb_mem_zalloc(1, sizeof(*batch));

	if (!batch)
		return WB_ERR_MEMORY;
	atomic_init(&batch->refs, 1);
	atomic_fetch_add_explicit(&capture->refs, 1, memory_order_relaxed);
	batch->capture = capture;
	*ret_batch = batch;
	return WB_OK;
}

static void batch_unref(void *arg)
{
	struct wb_capture_batch *batch = arg;

	if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = batch->num_pins; i-- > 0;)
		batch->pins[i].release(batch->pins[i].arg);
	while (batch->blocks) {
		struct block *next = batch->blocks->next;

		wb_mem_free(batch->blocks);
		batch->blocks = next;
	}
	wb_mem_free(batch->pins);
	wb_mem_free(batch->items);
	capture_unref(batch->capture);
	wb_mem_free(batch);
}

/* Shows the items from `start` on to the caller, numbered by what was handed out before. */
static struct wb_batch *batch_publish(struct wb_capture_batch *batch, size_t start)
{
	struct wb_capture *capture = batch->capture;

	batch->face.size = sizeof(batch->face);
	batch->face.items = batch->items + start;
	batch->face.count = batch->count - start;
	batch->face.first = capture->given;
	capture->given += batch->face.count;
	return &batch->face;
}

static struct block *block_new(struct wb_capture_batch *batch, size_t size)
{
	struct block *block;

	if (size < BLOCK_SIZE - sizeof(*block))
		size = BLOCK_SIZE - sizeof(*block);
	if (size > SIZE_MAX - sizeof(*block) || !(block = wb_mem_alloc(sizeof(*block) + size)))
		return NULL;
	block->used = 0;
	block->size = size;
	block->next = batch->blocks;
	batch->blocks = block;
	return block;
}

void *wb_capture_batch_alloc(struct wb_capture_batch *batch, size_t size)
{
	struct block *block = batch->blocks;
	const size_t align = _Alignof(max_align_t);
	void *memory;

	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!block || block->size - block->used < size)
		block = block_new(batch, size);
	if (!block)
		return NULL;
	memory = block->bytes + block->used;
	block->used += size;
	return memory;
}

enum wb_err wb_capture_batch_pin(struct wb_capture_batch *batch, void (*release)(void *arg), void *arg)
{
	if (!wb_mem_grow((void **)&batch->pins, &batch->pins_capacity, batch->num_pins, 1, sizeof(batch->pins[0]))) {
		release(arg);
		return WB_ERR_MEMORY;
	}
	batch->pins[batch->num_pins++] = (struct pin){ release, arg };
	return WB_OK;
}

static void release_space(void *arg)
{
	wb_space_unref(arg);
}

enum wb_err wb_capture_batch_pin_space(struct wb_capture_batch *batch, struct wb_space *space)
{
	return wb_capture_batch_pin(batch, release_space, wb_space_ref(space));
}

enum wb_err wb_capture_batch_add(struct wb_capture_batch *batch, struct wb_space *space, const struct wb_sample *sample)
{
	if (!wb_mem_grow((void **)&batch->items, &batch->capacity, batch->count, 1, sizeof(batch->items[0])))
		return WB_ERR_MEMORY;
	batch->items[batch->count++] = (struct wb_walk_item){ space, sample };
	return WB_OK;
}

size_t wb_capture_batch_count(const struct wb_capture_batch *batch)
{
	return batch->count;
}

/* ---- Options ------------------------------------------------------------------------------------------------------ */

static bool wants_number(const uint32_t *numbers, size_t count, uint32_t number)
{
	if (!numbers)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] == number)
			return true;
	}
	return false;
}

bool wb_capture_wants(const struct wb_capture_input *input, uint32_t pid, uint32_t tid)
{
	return wants_number(input->opts.pids, input->opts.num_pids, pid) && wants_number(input->opts.tids, input->opts.num_tids, tid);
}

bool wb_capture_wants_event(const struct wb_capture_input *input, const char *name)
{
	if (!input->opts.events)
		return true;
	for (size_t i = 0; i < input->opts.num_events; i++) {
		if (!strcmp(input->opts.events[i], name))
			return true;
	}
	return false;
}

/* A list that is there but empty lets nothing through, as one would expect of "only these". */
static enum wb_err copy_numbers(const uint32_t **numbers, size_t count)
{
	uint32_t *copy;
	size_t size;

	if (!*numbers)
		return WB_OK;
	if (!wb_size_mul(count, sizeof(*copy), &size) || !(copy = wb_mem_dup(*numbers, size))) {
		*numbers = NULL;
		return WB_ERR_MEMORY;
	}
	*numbers = copy;
	return WB_OK;
}

static enum wb_err copy_names(struct wb_capture_opts *opts)
{
	const char *const *theirs = opts->events;
	char **copy;

	opts->events = NULL;
	if (!theirs)
		return WB_OK;
	copy = wb_mem_zalloc(opts->num_events + 1, sizeof(*copy));
	if (!copy)
		return WB_ERR_MEMORY;
	opts->events = (const char *const *)copy;
	for (size_t i = 0; i < opts->num_events; i++) {
		copy[i] = wb_mem_strdup(theirs[i] ? theirs[i] : "");
		if (!copy[i])
			return WB_ERR_MEMORY;
	}
	return WB_OK;
}

/* Leaves nothing of the caller's behind in *opts, also on failure. */
static enum wb_err opts_copy(const struct wb_capture_opts *theirs, struct wb_capture_opts *opts)
{
	struct wb_capture_opts given = { sizeof(given), NULL, 0, NULL, 0, NULL, 0, 0, NULL, 0 };
	enum wb_err err = theirs ? wb_struct_take(&given, sizeof(given), theirs) : WB_OK;
	enum wb_err err_tids, err_names;

	if (err != WB_OK)
		return err;
	*opts = given;
	opts->size = sizeof(*opts);
	if (!opts->max_memory)
		opts->max_memory = DEFAULT_MEMORY;
	if (opts->kernel)
		opts->kernel = wb_image_ref(opts->kernel);
	err = copy_numbers(&opts->pids, opts->num_pids);
	err_tids = copy_numbers(&opts->tids, opts->num_tids);
	err_names = copy_names(opts);
	return err != WB_OK ? err : err_tids != WB_OK ? err_tids : err_names;
}

static void opts_deinit(struct wb_capture_opts *opts)
{
	if (opts->events) {
		for (size_t i = 0; i < opts->num_events; i++)
			wb_mem_free((void *)opts->events[i]);
	}
	wb_mem_free((void *)opts->events);
	wb_mem_free((void *)opts->pids);
	wb_mem_free((void *)opts->tids);
	wb_image_unref(opts->kernel);
}

/* ---- Opening ------------------------------------------------------------------------------------------------------ */

static enum wb_err capture_new(struct wb_session *session, const char *name, const struct wb_capture_opts *opts, struct wb_capture **ret_capture)
{
	struct wb_capture *capture = wb_mem_zalloc(1, sizeof(*capture));
	enum wb_err err;

	if (!capture)
		return WB_ERR_MEMORY;
	atomic_init(&capture->refs, 1);
	capture->input.session = wb_session_ref(session);
	capture->input.name = wb_mem_strdup(name);
	err = capture->input.name ? opts_copy(opts, &capture->input.opts) : WB_ERR_MEMORY;
	if (err != WB_OK) {
		capture_unref(capture);
		return err;
	}
	*ret_capture = capture;
	return WB_OK;
}

static void capture_unref(struct wb_capture *capture)
{
	if (!capture || atomic_fetch_sub_explicit(&capture->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (capture->state)
		capture->format->free(capture->state);
	wb_file_free(capture->input.file);
	opts_deinit(&capture->input.opts);
	wb_mem_free((void *)capture->input.name);
	wb_session_unref(capture->input.session);
	wb_mem_free(capture);
}

void wb_capture_free(struct wb_capture *capture)
{
	if (!capture)
		return;
	batch_unref(capture->current);
	capture->current = NULL;
	capture_unref(capture);
}

static enum wb_err refuse(struct wb_capture_input *input, enum wb_err err, enum wb_diag_code code, const char *text)
{
	return wb_diag_report(wb_session_diags(input->session), err, code, input->name, "", UINT64_MAX, "%s", text);
}

/* Finds the format by the folder or the first bytes. */
static enum wb_err capture_recognize(struct wb_capture *capture, bool folder)
{
	struct wb_capture_input *input = &capture->input;

	if (!folder && !input->head_size)
		return refuse(input, WB_ERR_DATA, WB_DIAG_FILE_UNRECOGNIZED, "empty");
	for (size_t i = 0; wb_capture_formats[i]; i++) {
		const struct wb_capture_format *format = wb_capture_formats[i];
		enum wb_err err = WB_NONE;

		if (folder && format->probe_folder)
			err = format->probe_folder(input->name);
		else if (!folder && format->probe && format->probe(input->head, input->head_size))
			err = WB_OK;
		if (err == WB_OK)
			capture->format = format;
		if (err != WB_NONE)
			return err;
	}
	return refuse(input, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED,
		      folder ? "not a folder of a known capture format" : "not a file of a known capture format");
}

/* Takes the capture: it becomes the result, or goes. */
static enum wb_err capture_start(struct wb_capture *capture, bool folder, struct wb_capture **ret_capture)
{
	enum wb_err err = capture_recognize(capture, folder);

	if (err == WB_OK)
		err = capture->format->open(&capture->input, &capture->state);
	if (err != WB_OK) {
		capture->state = NULL;
		capture_unref(capture);
		return err;
	}
	*ret_capture = capture;
	return WB_OK;
}

static enum wb_err read_file_head(struct wb_capture_input *input)
{
	uint64_t size = wb_file_size(input->file);

	input->head_size = size < sizeof(input->head) ? (size_t)size : sizeof(input->head);
	return wb_file_read(input->file, 0, input->head, input->head_size);
}

enum wb_err wb_capture_open(struct wb_session *session, const char *path, const struct wb_capture_opts *opts, struct wb_capture **ret_capture)
{
	struct wb_capture *capture;
	const char *reason = "cannot be read";
	bool folder;
	enum wb_err err;

	if (!session || !path || !ret_capture)
		return WB_ERR_ARGUMENT;
	err = capture_new(session, path, opts, &capture);
	if (err != WB_OK)
		return err;
	folder = wb_file_kind(path) == WB_FILE_KIND_FOLDER;
	if (!folder) {
		err = wb_file_open(path, wb_session_config(session)->files_are_stable, &capture->input.file, &reason);
		if (err == WB_OK)
			err = read_file_head(&capture->input);
		if (err != WB_OK) {
			if (err != WB_ERR_MEMORY)
				refuse(&capture->input, err, WB_DIAG_FILE_UNREADABLE, reason);
			capture_unref(capture);
			return err;
		}
	}
	return capture_start(capture, folder, ret_capture);
}

enum wb_err wb_capture_open_stream(struct wb_session *session, const char *name, wb_read_fn read, void *arg, const struct wb_capture_opts *opts,
				   struct wb_capture **ret_capture)
{
	struct wb_capture *capture;
	struct wb_capture_input *input;
	size_t got = 1;
	enum wb_err err;

	if (!session || !name || !read || !ret_capture)
		return WB_ERR_ARGUMENT;
	err = capture_new(session, name, opts, &capture);
	if (err != WB_OK)
		return err;
	input = &capture->input;
	input->read = read;
	input->read_arg = arg;
	/* Every turn but the last reads at least one byte of a small array. */
	while (err == WB_OK && got && input->head_size < sizeof(input->head)) {
		size_t room = sizeof(input->head) - input->head_size;

		err = read(arg, input->head + input->head_size, room, &got);
		if (err == WB_OK && got > room)
			err = WB_ERR_ARGUMENT;
		if (err == WB_OK)
			input->head_size += got;
	}
	if (err != WB_OK) {
		refuse(input, err, WB_DIAG_FILE_UNREADABLE, "reading the stream failed");
		capture_unref(capture);
		return err;
	}
	return capture_start(capture, false, ret_capture);
}

enum wb_err wb_capture_open_bytes(struct wb_session *session, const char *name, const void *bytes, size_t size, const struct wb_capture_opts *opts,
				  struct wb_capture **ret_capture)
{
	struct wb_capture *capture;
	enum wb_err err;

	if (!session || !name || (!bytes && size) || !ret_capture)
		return WB_ERR_ARGUMENT;
	err = capture_new(session, name, opts, &capture);
	if (err != WB_OK)
		return err;
	err = wb_file_of_bytes(bytes, size, NULL, NULL, &capture->input.file);
	if (err == WB_OK)
		err = read_file_head(&capture->input);
	if (err != WB_OK) {
		capture_unref(capture);
		return err;
	}
	return capture_start(capture, false, ret_capture);
}

/* ---- Reading ------------------------------------------------------------------------------------------------------ */

/* A new batch with at least one and at most max samples. */
static enum wb_err capture_fill(struct wb_capture *capture, size_t max, struct wb_capture_batch **ret_batch)
{
	struct wb_capture_batch *batch;
	enum wb_err err;

	if (capture->end != WB_OK)
		return capture->end;
	err = batch_new(capture, &batch);
	if (err != WB_OK)
		return err;
	while (capture->end == WB_OK && batch->count < max)
		capture->end = capture->format->fill(capture->state, max, batch);
	if (batch->count) {
		*ret_batch = batch;
		return WB_OK;
	}
	batch_unref(batch);
	return capture->end;
}

static enum wb_err capture_info(struct wb_capture *capture, struct wb_capture_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->format = capture->format->name;
	info->hostname = info->os_release = info->command_line = info->crash_reason = "";
	return capture->format->info(capture->state, info);
}

/*
 * A pipe says where it is from in records before its first sample. They are read with the first samples, which wait for wb_capture_next or
 * _next_batch; so does an error.
 */
static void read_ahead(struct wb_capture *capture)
{
	if (!capture->given && !capture->current && capture_fill(capture, NEXT_BATCH, &capture->current) == WB_OK)
		capture->next = 0;
}

enum wb_err wb_capture_info(struct wb_capture *capture, struct wb_capture_info *info)
{
	struct wb_capture_info ours;
	enum wb_err err;

	if (!capture || !info)
		return WB_ERR_ARGUMENT;
	err = capture_info(capture, &ours);
	if (err == WB_OK && !*ours.hostname) {
		read_ahead(capture);
		err = capture_info(capture, &ours);
	}
	return err == WB_OK ? wb_struct_give(info, &ours, sizeof(ours)) : err;
}

enum wb_err wb_capture_next(struct wb_capture *capture, struct wb_space **ret_space, const struct wb_sample **ret_sample)
{
	const struct wb_walk_item *item;

	if (!capture || !ret_space || !ret_sample)
		return WB_ERR_ARGUMENT;
	if (!capture->current || capture->next == capture->current->count) {
		enum wb_err err;

		batch_unref(capture->current);
		capture->current = NULL;
		err = capture_fill(capture, NEXT_BATCH, &capture->current);
		if (err != WB_OK)
			return err;
		capture->next = 0;
	}
	item = &capture->current->items[capture->next++];
	capture->given++;
	*ret_space = item->space;
	*ret_sample = item->sample;
	return WB_OK;
}

/* What wb_capture_next has read ahead, as a batch of at most max samples. */
static enum wb_err take_current(struct wb_capture *capture, size_t max, struct wb_batch **ret_batch)
{
	struct wb_capture_batch *current = capture->current, *part;
	enum wb_err err;

	if (current->count - capture->next <= max) {
		capture->current = NULL;
		*ret_batch = batch_publish(current, capture->next);
		return WB_OK;
	}
	err = batch_new(capture, &part);
	if (err != WB_OK)
		return err;
	atomic_fetch_add_explicit(&current->refs, 1, memory_order_relaxed);
	err = wb_capture_batch_pin(part, batch_unref, current);
	for (size_t i = 0; err == WB_OK && i < max; i++)
		err = wb_capture_batch_add(part, current->items[capture->next + i].space, current->items[capture->next + i].sample);
	if (err != WB_OK) {
		batch_unref(part);
		return err;
	}
	capture->next += max;
	*ret_batch = batch_publish(part, 0);
	return WB_OK;
}

enum wb_err wb_capture_next_batch(struct wb_capture *capture, size_t max, struct wb_batch **ret_batch)
{
	struct wb_capture_batch *batch;
	enum wb_err err;

	if (!capture || !max || !ret_batch)
		return WB_ERR_ARGUMENT;
	if (capture->current && capture->next < capture->current->count)
		return take_current(capture, max, ret_batch);
	err = capture_fill(capture, max, &batch);
	if (err != WB_OK)
		return err;
	*ret_batch = batch_publish(batch, 0);
	return WB_OK;
}

void wb_batch_free(struct wb_batch *batch)
{
	batch_unref(batch);
}
