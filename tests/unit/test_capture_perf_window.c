/* SPDX-License-Identifier: MIT */
/* Windows of a file: put out past the budget, read again when used, and the same to a reader of samples whether read or mapped. */
#include "capture_reader.h"
#include "perf_writer.h"

#include "base/file.h"
#include "base/mem.h"
#include "formats/capture_perf.h"

enum { WINDOWS = 100 };

/* Each 8 bytes tell where they are. */
static const char *numbered_file(void)
{
	const char *path = test_tmp("numbers");
	size_t count = (size_t)WINDOWS * WB_PERF_WINDOW_SIZE / 8;
	uint64_t *numbers = malloc(count * 8);

	for (size_t i = 0; i < count; i++)
		numbers[i] = i;
	test_write_file(path, numbers, count * 8);
	free(numbers);
	return path;
}

static bool holds(const struct wb_perf_window *window)
{
	return wb_load64(window->buffer->bytes, TEST_BIG_ENDIAN) == window->position / 8 &&
	       wb_load64(window->buffer->bytes + window->size - 8, TEST_BIG_ENDIAN) == (window->position + window->size) / 8 - 1;
}

static void keeps_its_budget(void)
{
	const char *path = numbered_file();

	for (int map = 0; map < 2; map++) {
		struct wb_perf_window *windows[WINDOWS];
		struct wb_perf_windows all = { 0 };
		struct wb_file *file;

		REQUIRE(wb_file_open(path, map, &file, NULL) == WB_OK);
		wb_perf_windows_init(&all, 0);
		for (unsigned i = 0; i < WINDOWS; i++) {
			uint64_t position = (uint64_t)i * WB_PERF_WINDOW_SIZE;

			REQUIRE(wb_perf_window_load(&all, file, position, wb_file_size(file) - position, &windows[i]) == WB_OK);
			CHECK(holds(windows[i]));
			CHECK(all.resident <= all.budget);
			windows[i]->filling = false;
		}
		CHECK(!windows[0]->buffer);
		CHECK_EQ_U64(all.kept, 0);
		/* In an order of its own: 37 has no factor in common with 100. */
		for (unsigned i = 0; i < WINDOWS; i++) {
			struct wb_perf_window *window = windows[i * 37 % WINDOWS];

			REQUIRE(wb_perf_window_use(&all, window) == WB_OK);
			CHECK(holds(window));
			CHECK(all.resident <= all.budget);
		}
		for (unsigned i = 0; i < WINDOWS; i++)
			wb_perf_window_release(&all, windows[i]);
		CHECK_EQ_U64(all.resident, 0);
		CHECK(!all.oldest && !all.newest);
		wb_perf_windows_deinit(&all);
		wb_file_free(file);
	}
}

/* What is not of a file stays. */
static void keeps_what_cannot_be_read_again(void)
{
	struct wb_perf_windows all = { 0 };
	struct wb_perf_window *windows[WINDOWS];

	wb_perf_windows_init(&all, 0);
	for (unsigned i = 0; i < WINDOWS; i++) {
		REQUIRE(wb_perf_window_new(&all, 0, &windows[i]) == WB_OK);
		windows[i]->filling = false;
	}
	CHECK_EQ_U64(all.kept, (uint64_t)WINDOWS * WB_PERF_WINDOW_SIZE);
	for (unsigned i = 0; i < WINDOWS; i++) {
		CHECK(windows[i]->buffer != NULL);
		wb_perf_window_release(&all, windows[i]);
	}
	CHECK_EQ_U64(all.kept, 0);
	wb_perf_windows_deinit(&all);
}

/* ---- A whole recording: one round of 8 processors, each with its own stretch of the file ---- */

enum { PROCESSORS = 8, EACH = 500, STACK = 2048 };

static void write_round(const char *path)
{
	static const struct perf_attr attr = { .type = 1, .sample_type = S_IP | S_TID | S_TIME | S_REGS_USER | S_STACK_USER,
					       .flags = ATTR_SAMPLE_ID_ALL, .regs_user = 1 << 7 | 1 << 8, .stack_user = STACK };
	static struct perf_writer w;
	/* Header, ip to time, registers, size, stack, valid size. */
	uint64_t records = (uint64_t)PROCESSORS * EACH * (8 + 24 + 24 + 8 + STACK + 8);
	FILE *out = fopen(path, "wb");

	REQUIRE(out != NULL);
	w_file(&w, false, 2, &attr, 1);
	w_put(&w, 48, records, 8);
	w_put(&w, 72, 1 << F_ARCH, 8);
	records += w.size;
	fwrite(w.bytes, 1, w.size, out);
	for (unsigned processor = 0; processor < PROCESSORS; processor++) {
		for (unsigned i = 0; i < EACH; i++) {
			uint64_t time = 1000 + i * PROCESSORS + processor;

			w.size = 0;
			w_begin(&w, T_SAMPLE, M_USER);
			w_u64(&w, 0x400000);
			w_u64(&w, 5 | UINT64_C(5) << 32);
			w_u64(&w, time);
			w_u64(&w, 2);
			w_u64(&w, 0x7ffe0000);
			w_u64(&w, 0x400000);
			w_u64(&w, STACK);
			for (unsigned k = 0; k < STACK / 8; k++)
				w_u64(&w, time);
			w_u64(&w, STACK);
			w_end(&w);
			fwrite(w.bytes, 1, w.size, out);
		}
	}
	w.size = 0;
	w_u64(&w, records + 16);
	w_u64(&w, 12);
	w_feature_string(&w, "x86_64");
	fwrite(w.bytes, 1, w.size, out);
	fclose(out);
}

static void gives_a_large_round_in_order(void)
{
	/* Windows for 4 MiB; the round has 8. */
	static const struct wb_capture_opts opts = { .size = sizeof opts, .max_memory = 16 << 20 };
	char path[4096];

	snprintf(path, sizeof path, "%s", test_tmp("round"));
	write_round(path);
	for (int map = 0; map < 2; map++) {
		struct wb_session_opts session_opts = { .size = sizeof session_opts, .files_are_stable = (uint8_t)map };
		struct wb_session *session;
		struct wb_capture *capture;
		struct wb_batch *batch;
		uint64_t time = 1000;

		REQUIRE(wb_session_new(&session_opts, &session) == WB_OK);
		REQUIRE(wb_capture_open(session, path, &opts, &capture) == WB_OK);
		while (wb_capture_next_batch(capture, 50, &batch) == WB_OK) {
			for (size_t i = 0; i < batch->count; i++, time++) {
				const struct wb_sample *s = batch->items[i].sample;

				CHECK_EQ_U64(s->time_ns, time);
				REQUIRE(s->num_regions == 1 && s->regions[0].size == STACK);
				CHECK_EQ_U64(wb_load64(s->regions[0].bytes, false), time);
				CHECK_EQ_U64(wb_load64((const uint8_t *)s->regions[0].bytes + STACK - 8, false), time);
			}
			wb_batch_free(batch);
		}
		CHECK_EQ_U64(time, 1000 + PROCESSORS * EACH);
		wb_capture_free(capture);
		wb_session_free(session);
	}
}

int main(void)
{
	TEST_RUN(keeps_its_budget);
	TEST_RUN(keeps_what_cannot_be_read_again);
	TEST_RUN(gives_a_large_round_in_order);
	return test_summary();
}
