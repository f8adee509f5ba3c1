/* SPDX-License-Identifier: MIT */
/* Whole recordings, hand-made: as file and pipe, in both byte orders, compressed, in rounds, cut and damaged everywhere. */
#include "capture_reader.h"
#include "perf_writer.h"

static struct perf_writer writer;
static struct reader reader, other;

enum { STACK = 64, SAMPLES = 4 };

static const struct perf_attr dwarf_attr = {
	.type = 1, .config = 0, .period = 1000, .flags = ATTR_FREQ | ATTR_SAMPLE_ID_ALL, .regs_user = X86_64_REGS, .stack_user = STACK,
	.sample_type = S_IP | S_TID | S_TIME | S_CPU | S_PERIOD | S_CALLCHAIN | S_REGS_USER | S_STACK_USER,
};

/* TID, TIME, CPU. */
static void trailer(struct perf_writer *w, uint32_t pid, uint32_t tid, uint64_t time)
{
	w_u32(w, pid);
	w_u32(w, tid);
	w_u64(w, time);
	w_u64(w, 0);
	w_end(w);
}

static void dwarf_sample(struct perf_writer *w, uint64_t time, uint32_t tid, uint64_t abi, uint64_t pc)
{
	w_begin(w, T_SAMPLE, M_USER);
	w_u64(w, pc);
	w_u32(w, 10);
	w_u32(w, tid);
	w_u64(w, time);
	w_u32(w, 1);
	w_u32(w, 0);
	w_u64(w, 500 + time);
	w_u64(w, 2);
	w_u64(w, (uint64_t)-512);
	w_u64(w, pc);
	w_u64(w, abi);
	/* AX BX CX DX SI DI BP SP IP FLAGS CS SS R8 to R15 */
	for (unsigned i = 0; abi && i < 20; i++)
		w_u64(w, i == 7 ? 0x7ffe0000 : i == 8 ? pc : i);
	w_u64(w, STACK);
	for (unsigned i = 0; i < STACK / 8; i++)
		w_u64(w, tid);
	w_u64(w, STACK - 16);
	w_end(w);
}

static void some_records(struct perf_writer *w)
{
	w_comm(w, 0, 10, 10, "main");
	trailer(w, 0, 0, 0);
	w_mmap2(w, 10, 0x400000, 0x1000, 0, 5, "/bin/prog", NULL);
	trailer(w, 10, 10, 0);
	dwarf_sample(w, 100, 10, 2, 0x400100);
	dwarf_sample(w, 300, 10, 2, 0x400300);
	w_comm(w, 0, 10, 11, "worker");
	trailer(w, 10, 11, 150);
	dwarf_sample(w, 200, 11, 2, 0x400200);
	w_empty(w, T_FINISHED_ROUND);
	dwarf_sample(w, 400, 11, 2, 0x400400);
}

static void some_features(struct perf_writer *w)
{
	w_file_data_end(w, 1 << F_HOSTNAME | 1 << F_OSRELEASE | 1 << F_ARCH | 1 << F_CMDLINE | 1 << F_EVENT_DESC);
	w_feature_string(w, "box");
	w_file_feature_end(w);
	w_feature_string(w, "6.1.0-test");
	w_file_feature_end(w);
	w_feature_string(w, "x86_64");
	w_file_feature_end(w);
	w_u32(w, 3);
	w_feature_string(w, "perf");
	w_feature_string(w, "record");
	w_feature_string(w, "prog");
	w_file_feature_end(w);
	w_u32(w, 1);
	w_u32(w, ATTR_SIZE);
	w_attr(w, &dwarf_attr);
	w_u32(w, 2);
	w_feature_string(w, "cpu-clock:u");
	w_u64(w, 1);
	w_u64(w, 2);
	w_file_feature_end(w);
}

static void write_file(struct perf_writer *w, bool big, int version)
{
	w_file(w, big, version, &dwarf_attr, 1);
	some_records(w);
	some_features(w);
}

static void write_pipe(struct perf_writer *w, bool big)
{
	w_pipe(w, big);
	w_pipe_attr(w, &dwarf_attr, 1);
	w_pipe_feature(w, F_HOSTNAME, "box");
	w_pipe_feature(w, F_OSRELEASE, "6.1.0-test");
	w_pipe_feature(w, F_ARCH, "x86_64");
	w_begin(w, T_EVENT_UPDATE, 0);
	w_u64(w, 2);
	w_u64(w, 1);
	w_string(w, "cpu-clock:u");
	w_end(w);
	some_records(w);
}

static void check_samples(const struct reader *r)
{
	/* In time order; the second thread's name is known from time 150 on. */
	static const struct { uint64_t time; uint32_t tid; const char *comm; } expect[SAMPLES] = {
		{ 100, 10, "main" }, { 200, 11, "worker" }, { 300, 10, "main" }, { 400, 11, "worker" },
	};

	CHECK_EQ_U64(r->count, SAMPLES);
	for (size_t i = 0; i < SAMPLES && i < r->count; i++) {
		const struct reader_sample *s = &r->samples[i];

		CHECK_EQ_U64(s->time, expect[i].time);
		CHECK_EQ_U64(s->pid, 10);
		CHECK_EQ_U64(s->tid, expect[i].tid);
		CHECK_STR(s->comm, expect[i].comm);
		CHECK_EQ_U64(s->event, 0);
		CHECK_EQ_U64(s->cpu, 1);
		CHECK_EQ_U64(s->weight, 500 + expect[i].time);
		/* 20 sampled, of which flags and two segment registers are of no use. */
		CHECK_EQ_U64(s->num_regs, 17);
		CHECK_EQ_U64(s->pc, 0x400000 + expect[i].time / 100 * 0x100);
		CHECK_EQ_U64(s->sp, 0x7ffe0000);
		CHECK_EQ_U64(s->region, 0x7ffe0000);
		CHECK_EQ_U64(s->region_size, STACK - 16);
		CHECK_EQ_U64(s->region_sum, expect[i].tid * (STACK - 16) / 8);
		/* The user callchain gives way to registers and stack. */
		CHECK_EQ_U64(s->num_given, 0);
		CHECK_EQ_U64(s->flags, 0);
	}
}

static void check_info(struct reader *r, bool big, bool pipe)
{
	struct wb_capture_info info = { .size = sizeof info };

	REQUIRE(wb_capture_info(r->capture, &info) == WB_OK);
	CHECK_STR(info.format, "perf.data");
	CHECK_EQ_U64(info.platform.arch, WB_ARCH_X86_64);
	CHECK_EQ_U64(info.platform.big_endian, big);
	CHECK_EQ_U64(info.platform.os, WB_OS_LINUX);
	CHECK_STR(info.hostname, "box");
	CHECK_STR(info.os_release, "6.1.0-test");
	CHECK_STR(info.command_line, pipe ? "" : "perf record prog");
	CHECK_EQ_U64(info.from_this_host, 0);
	CHECK_EQ_U64(info.samples, SAMPLES);
	CHECK_EQ_U64(info.skipped_records, 0);
	CHECK_EQ_U64(info.lost_samples, 0);
	REQUIRE(info.num_events == 1);
	CHECK_STR(info.events[0].name, "cpu-clock:u");
	CHECK_EQ_U64(info.events[0].samples, SAMPLES);
	REQUIRE(info.num_modules == 1);
	CHECK_STR(info.modules[0].path, "/bin/prog");
	CHECK_EQ_U64(info.modules[0].address, 0x400000);
	CHECK_EQ_U64(info.modules[0].pid, 10);
}

static void reads_every_form(void)
{
	static const struct { const char *name; bool pipe, big; int version; size_t step; } table[] = {
		{ "file, little endian", false, false, 2, 0 },
		{ "file, big endian", false, true, 2, 0 },
		{ "version 1, little endian", false, false, 1, 0 },
		{ "version 1, big endian", false, true, 1, 0 },
		{ "pipe, little endian", true, false, 2, 1 },
		{ "pipe, big endian", true, true, 2, 4096 },
		{ "pipe, 7 bytes at a time", true, false, 2, 7 },
		{ "pipe in a file", true, false, 2, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		if (table[i].pipe)
			write_pipe(&writer, table[i].big);
		else
			write_file(&writer, table[i].big, table[i].version);
		for (size_t batch = 0; batch < 4; batch++) {
			reader_open(&reader, writer.bytes, writer.size, table[i].step, NULL);
			reader_read_all(&reader, batch);
			CHECK_EQ_I64(reader.end, WB_NONE);
			CHECK_STR(reader.diag, "");
			check_samples(&reader);
			if (reader.capture)
				check_info(&reader, table[i].big, table[i].pipe);
			reader_close(&reader);
		}
	}
	test_row(NULL);
}

/* A file whose end is missing gives what is there, then one message; a pipe that ends between records is whole. */
static void reads_what_is_there(void)
{
	for (int form = 0; form < 4; form++) {
		size_t whole = 0;
		bool pipe = form & 1;

		if (pipe)
			write_pipe(&writer, form & 2);
		else
			write_file(&writer, form & 2, 2);
		reader_run(&other, writer.bytes, writer.size, 0, NULL);
		for (size_t size = 0; size <= writer.size; size++) {
			uint8_t *copy = malloc(size ? size : 1);

			memcpy(copy, writer.bytes, size);
			reader_run(&reader, copy, size, pipe ? 512 : 0, NULL);
			/* Samples come in time order, and the file is not: a cut one lacks some in between. */
			CHECK(reader.count <= SAMPLES && reader.count >= whole);
			for (size_t i = 0; i < reader.count; i++)
				CHECK(!memcmp(&reader.samples[i].region, &other.samples[reader.samples[i].time / 100 - 1].region, 16));
			if (reader.end == WB_NONE)
				CHECK_EQ_U64(reader.diags, 0);
			else
				CHECK(reader.end == WB_ERR_DATA || (reader.end == WB_ERR_UNSUPPORTED && size < 8));
			if (reader.end != WB_NONE)
				CHECK_EQ_U64(reader.diags, 1);
			whole = reader.count;
			reader_close(&reader);
			free(copy);
		}
		CHECK_EQ_U64(whole, SAMPLES);
		reader_close(&other);
	}
}

/* Any one byte wrong: an answer, no more memory than there is input, and the same answer again. */
static void survives_damage(void)
{
	static const uint8_t wrong[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	for (int form = 0; form < 3; form++) {
		if (form == 2)
			write_pipe(&writer, false);
		else
			write_file(&writer, form, 2);
		for (size_t at = 0; at < writer.size; at++) {
			for (size_t k = 0; k < sizeof wrong; k++) {
				uint8_t right = writer.bytes[at];

				writer.bytes[at] = wrong[k];
				reader_run(&reader, writer.bytes, writer.size, form == 2 ? 100 : 0, NULL);
				CHECK(reader.end != WB_OK && reader.end != WB_ERR_MEMORY && reader.end != WB_ERR_ARGUMENT);
				CHECK(reader.end == WB_NONE || reader.diags > 0);
				reader_run(&other, writer.bytes, writer.size, form == 2 ? 100 : 0, NULL);
				CHECK(reader.end == other.end && reader.count == other.count && reader_same(&reader, &other, reader.count));
				reader_close(&reader);
				reader_close(&other);
				writer.bytes[at] = right;
			}
		}
	}
}

static void says_what_is_wrong(void)
{
	static const struct { const char *name; size_t at; uint64_t value; unsigned size; enum wb_err end; const char *diag; } table[] = {
		{ "attr size 0", 16, 0, 8, WB_ERR_DATA, "test: offset 0x10: the header's list of events is malformed, or lies outside the file" },
		{ "attrs outside", 24, 1 << 30, 8, WB_ERR_DATA, "test: offset 0x10: the header's list of events is malformed, or lies outside the file" },
		{ "no attrs", 32, 0, 8, WB_ERR_DATA, "test: offset 0x10: the recording describes no event" },
		{ "data outside", 40, UINT64_MAX - 8, 8, WB_ERR_DATA, "test: offset 0x28: the header's data section lies outside the file" },
		{ "data too long", 48, UINT64_MAX / 2, 8, WB_ERR_DATA, NULL },
		{ "not finished", 48, 0, 8, WB_ERR_DATA, NULL },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		write_file(&writer, false, 2);
		w_put(&writer, table[i].at, table[i].value, table[i].size);
		reader_run(&reader, writer.bytes, writer.size, 0, NULL);
		CHECK_EQ_I64(reader.end, table[i].end);
		if (table[i].diag)
			CHECK_STR(reader.diag, table[i].diag);
		CHECK(reader.diags > 0);
		reader_close(&reader);
	}
	test_row(NULL);
}

/* ---- Compressed --------------------------------------------------------------------------------------------------- */

/* One zstd frame (RFC 8878) of uncompressed blocks: magic, descriptor 0 (window follows), window 1 MiB; a block is {last, type 0, size}. */
static size_t put_frame_start(uint8_t *out)
{
	memcpy(out, "\x28\xb5\x2f\xfd\x00\x50", 6);
	return 6;
}
static size_t put_block(uint8_t *out, const uint8_t *bytes, size_t size)
{
	uint32_t header = (uint32_t)size << 3;

	out[0] = (uint8_t)header;
	out[1] = (uint8_t)(header >> 8);
	out[2] = (uint8_t)(header >> 16);
	memcpy(out + 3, bytes, size);
	return size + 3;
}

/* The records in pieces of `step` bytes, wherever that cuts them. */
static void write_compressed(struct perf_writer *w, uint32_t type, size_t step)
{
	static struct perf_writer records;
	static uint8_t block[1 << 16];

	records.size = 0;
	records.big = false;
	some_records(&records);
	w_pipe(w, false);
	w_pipe_attr(w, &dwarf_attr, 1);
	w_pipe_feature(w, F_ARCH, "x86_64");
	for (size_t at = 0; at < records.size; at += step) {
		size_t left = records.size - at, size = at ? 0 : put_frame_start(block);

		size += put_block(block + size, records.bytes + at, left < step ? left : step);
		w_begin(w, type, 0);
		if (type == T_COMPRESSED2)
			w_u64(w, size);
		w_bytes(w, block, size);
		while (type == T_COMPRESSED2 && w->size % 8)
			w_bytes(w, "", 1);
		w_end(w);
		/* Rounds end outside. */
		if (at + step < records.size / 2)
			w_empty(w, T_FINISHED_ROUND);
	}
}

static void reads_compressed_records(void)
{
	static const size_t steps[] = { 1, 3, 40, 333, 30000 };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		for (uint32_t type = T_COMPRESSED; type <= T_COMPRESSED2; type += T_COMPRESSED2 - T_COMPRESSED) {
			write_compressed(&writer, type, steps[i]);
			reader_run(&reader, writer.bytes, writer.size, 4096, NULL);
			if (reader.end == WB_ERR_UNSUPPORTED) {
				reader_close(&reader);
				TEST_SKIP("zstd");
			}
			CHECK_EQ_I64(reader.end, WB_NONE);
			CHECK_STR(reader.diag, "");
			check_samples(&reader);
			reader_close(&reader);
		}
	}
}

static void survives_damaged_compression(void)
{
	write_compressed(&writer, T_COMPRESSED2, 333);
	for (size_t at = 16; at < writer.size; at++) {
		uint8_t right = writer.bytes[at];

		writer.bytes[at] ^= 0x41;
		reader_run(&reader, writer.bytes, writer.size, 0, NULL);
		CHECK(reader.end != WB_OK && reader.end != WB_ERR_MEMORY && reader.end != WB_ERR_ARGUMENT);
		reader_close(&reader);
		writer.bytes[at] = right;
	}
}

/* ---- What is not samples ------------------------------------------------------------------------------------------ */

static void skips_what_it_does_not_know(void)
{
	struct wb_capture_info info = { .size = sizeof info };

	w_pipe(&writer, false);
	w_pipe_attr(&writer, &dwarf_attr, 1);
	w_pipe_feature(&writer, F_ARCH, "x86_64");
	/* 23 is not known, 16 (namespaces) is of no interest; 87 and 1000 are not known, 73 (threads) is of no interest. */
	for (size_t i = 0; i < 5; i++) {
		w_begin(&writer, (const uint32_t[]){ 23, 16, 87, 1000, 73 }[i], 0xffff);
		w_u64(&writer, UINT64_MAX);
		w_end(&writer);
	}
	/* Their data follows: 4096 bytes of it look like a record that is too small. */
	w_begin(&writer, T_AUXTRACE, 0);
	w_u64(&writer, 4096);
	for (int i = 0; i < 4; i++)
		w_u64(&writer, 0);
	w_end(&writer);
	for (int i = 0; i < 512; i++)
		w_u64(&writer, 0);
	w_begin(&writer, T_TRACING_DATA, 0);
	w_u32(&writer, 24);
	w_end(&writer);
	for (int i = 0; i < 3; i++)
		w_u64(&writer, 0);
	w_begin(&writer, T_LOST, 0);
	w_u64(&writer, 1);
	w_u64(&writer, 40);
	trailer(&writer, 10, 10, 50);
	w_begin(&writer, T_LOST_SAMPLES, 0);
	w_u64(&writer, 2);
	trailer(&writer, 10, 10, 60);
	some_records(&writer);
	for (size_t step = 0; step < 3000; step += 1000) {
		reader_run(&reader, writer.bytes, writer.size, step, NULL);
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_STR(reader.diag, "");
		check_samples(&reader);
		REQUIRE(wb_capture_info(reader.capture, &info) == WB_OK);
		CHECK_EQ_U64(info.skipped_records, 3);
		CHECK_EQ_U64(info.lost_samples, 42);
		reader_close(&reader);
	}
}

/* One of simpleperf's own records, whose size has 32 bits: the upper half is where others have misc (record.h of AOSP's system/extras/simpleperf). What is
 * in it looks like a record of no size. */
static void simpleperf_record(struct perf_writer *w, uint32_t type, uint32_t size)
{
	w_u32(w, type);
	w_u16(w, size >> 16);
	w_u16(w, size & 0xffff);
	for (uint32_t i = 8; i < size; i += 8)
		w_u64(w, 0);
}

/* KERNEL_SYMBOL and TRACING_DATA are long, EVENT_ID and CALLCHAIN short; what exactly fills a window, or 64 KiB, is no different. */
static void simpleperf_records(struct perf_writer *w)
{
	static const struct { uint32_t type, size; } records[] = {
		{ 32769, 200000 }, { 32774, 64 }, { 32775, 8 }, { 32777, 65536 }, { 32778, 65544 }, { 32776, 65528 },
	};

	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
		simpleperf_record(w, records[i].type, records[i].size);
}

static void write_simpleperf(struct perf_writer *w)
{
	enum { FILES = 128, META_INFO = 129 };

	w_file(w, false, 2, &dwarf_attr, 1);
	simpleperf_records(w);
	some_records(w);
	simpleperf_records(w);
	/* simpleperf's features are past the first 64: their bits are moved there once both have a place in the list. */
	w_file_data_end(w, 1 << F_HOSTNAME | 1 << F_ARCH | UINT64_C(3) << 62);
	w_put(w, 72, 1 << F_HOSTNAME | 1 << F_ARCH, 8);
	w_put(w, 72 + FILES / 8, 1 | 1 << (META_INFO - FILES), 8);
	w_feature_string(w, "box");
	w_file_feature_end(w);
	w_feature_string(w, "x86_64");
	w_file_feature_end(w);
	for (unsigned i = 0; i < 2; i++) {
		w_u64(w, UINT64_MAX);
		w_file_feature_end(w);
	}
}

static void reads_simpleperf(void)
{
	struct wb_capture_info info = { .size = sizeof info };

	write_simpleperf(&writer);
	reader_run(&reader, writer.bytes, writer.size, 0, NULL);
	CHECK_EQ_I64(reader.end, WB_NONE);
	CHECK_STR(reader.diag, "");
	check_samples(&reader);
	REQUIRE(wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_STR(info.hostname, "box");
	CHECK_EQ_U64(info.skipped_records, 0);
	reader_close(&reader);
	/* The same as a stream, in pieces of any size. */
	write_pipe(&writer, false);
	simpleperf_records(&writer);
	some_records(&writer);
	simpleperf_records(&writer);
	for (size_t step = 1; step < 300000; step = step * 7 + 1) {
		reader_run(&reader, writer.bytes, writer.size, step, NULL);
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_STR(reader.diag, "");
		CHECK_EQ_U64(reader.count, 2 * SAMPLES);
		reader_close(&reader);
	}
	/* Cut inside of the last one, and sizes that are none. */
	reader_run(&reader, writer.bytes, writer.size - 8, 4096, NULL);
	CHECK_EQ_I64(reader.end, WB_ERR_DATA);
	CHECK(strstr(reader.diag, "the recording ends inside a record"));
	reader_close(&reader);
	w_u32(&writer, 32770);
	w_u32(&writer, 7 << 16);
	reader_run(&reader, writer.bytes, writer.size, 4096, NULL);
	CHECK_EQ_I64(reader.end, WB_ERR_DATA);
	CHECK(strstr(reader.diag, "a record is smaller than its header"));
	reader_close(&reader);
}

/* The data of an AUXTRACE record reaches past the end. */
static void says_that_data_is_cut(void)
{
	for (size_t step = 0; step < 200; step += 100) {
		write_pipe(&writer, false);
		w_begin(&writer, T_AUXTRACE, 0);
		w_u64(&writer, UINT64_MAX - 100);
		w_end(&writer);
		w_u64(&writer, 0);
		reader_run(&reader, writer.bytes, writer.size, step, NULL);
		CHECK_EQ_I64(reader.end, WB_ERR_DATA);
		CHECK_EQ_U64(reader.count, SAMPLES);
		CHECK_EQ_U64(reader.diags, 1);
		reader_close(&reader);
	}
}

/* ---- Several events ------------------------------------------------------------------------------------------------ */

static void id_sample(uint64_t id, uint64_t ip, uint32_t tid, uint64_t time, bool with_period)
{
	w_begin(&writer, T_SAMPLE, M_USER);
	w_u64(&writer, id);
	w_u64(&writer, ip);
	w_u32(&writer, 10);
	w_u32(&writer, tid);
	w_u64(&writer, time);
	if (with_period)
		w_u64(&writer, 7);
	w_end(&writer);
}

/* Two events of different layouts, told apart by IDENTIFIER; a third id belongs to nobody. */
static void write_events(void)
{
	static const struct perf_attr attrs[] = {
		{ .type = 0, .config = 0, .period = 50, .sample_type = S_IDENTIFIER | S_IP | S_TID | S_TIME },
		{ .type = 1, .config = 1, .period = 60, .sample_type = S_IDENTIFIER | S_IP | S_TID | S_TIME | S_PERIOD },
	};

	w_file(&writer, false, 2, attrs, 2);
	id_sample(101, 0x1000, 10, 5, true);
	id_sample(1, 0x2000, 10, 4, false);
	id_sample(102, 0x3000, 11, 3, true);
	id_sample(999, 0x4000, 10, 2, false);
	id_sample(2, 0x5000, 11, 1, false);
	w_file_data_end(&writer, 1 << F_ARCH);
	w_feature_string(&writer, "x86_64");
	w_file_feature_end(&writer);
}

static void tells_events_apart(void)
{
	static const struct { uint64_t ip, weight; uint32_t event; } expect[] = {
		{ 0x5000, 50, 0 }, { 0x3000, 7, 1 }, { 0x2000, 50, 0 }, { 0x1000, 7, 1 },
	};
	struct wb_capture_info info = { .size = sizeof info };

	write_events();
	reader_run(&reader, writer.bytes, writer.size, 0, NULL);
	CHECK_EQ_I64(reader.end, WB_NONE);
	REQUIRE(reader.count == 4);
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ_U64(reader.samples[i].event, expect[i].event);
		CHECK_EQ_U64(reader.samples[i].weight, expect[i].weight);
		REQUIRE(reader.samples[i].num_given == 1);
		CHECK_EQ_U64(reader.samples[i].given[0].address, expect[i].ip);
		CHECK_EQ_U64(reader.samples[i].given[0].kind, WB_GIVEN_USER);
		CHECK_EQ_U64(reader.samples[i].given[0].pc_kind, WB_PC_EXACT);
	}
	REQUIRE(wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_EQ_U64(info.skipped_records, 1);
	REQUIRE(info.num_events == 2);
	CHECK_STR(info.events[0].name, "cycles");
	CHECK_STR(info.events[1].name, "task-clock");
	CHECK_EQ_U64(info.events[1].samples, 2);
	reader_close(&reader);
}

static void leaves_out_what_is_not_wanted(void)
{
	static const uint32_t ten[] = { 10 }, eleven[] = { 11, 12 };
	static const char *const cycles[] = { "cycles" }, *const nothing[] = { "nothing" };
	static const struct { const char *name; struct wb_capture_opts opts; size_t expect; } table[] = {
		{ "all", { .size = sizeof(struct wb_capture_opts) }, 4 },
		{ "the process", { .size = sizeof(struct wb_capture_opts), .pids = ten, .num_pids = 1 }, 4 },
		{ "another process", { .size = sizeof(struct wb_capture_opts), .pids = eleven, .num_pids = 2 }, 0 },
		{ "a thread", { .size = sizeof(struct wb_capture_opts), .tids = eleven, .num_tids = 2 }, 2 },
		{ "an event", { .size = sizeof(struct wb_capture_opts), .events = cycles, .num_events = 1 }, 2 },
		{ "no event", { .size = sizeof(struct wb_capture_opts), .events = nothing, .num_events = 1 }, 0 },
		{ "both", { .size = sizeof(struct wb_capture_opts), .tids = ten, .num_tids = 1, .events = cycles, .num_events = 1 }, 1 },
	};

	write_events();
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		reader_run(&reader, writer.bytes, writer.size, 0, &table[i].opts);
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_EQ_U64(reader.count, table[i].expect);
		reader_close(&reader);
	}
	test_row(NULL);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

static void fails_clean_without_memory(void)
{
	write_compressed(&writer, T_COMPRESSED, 333);
	reader_fail_everywhere(&reader, writer.bytes, writer.size);
	write_file(&writer, true, 2);
	reader_fail_everywhere(&reader, writer.bytes, writer.size);
}

/* 24 MiB of samples, no round mark, in 4 MiB of memory: the queue must not grow with the recording. */
static void stays_in_its_memory(void)
{
	static const struct wb_capture_opts opts = { .size = sizeof opts, .max_memory = 4 << 20 };
	enum { ROUNDS = 60000 };
	uint64_t last = 0;
	size_t count = 0, record, size;
	uint8_t *bytes;
	struct wb_batch *batch;

	write_pipe(&writer, false);
	record = writer.size;
	dwarf_sample(&writer, 500, 10, 2, 0x400500);
	size = writer.size - record;
	bytes = malloc(record + ROUNDS * size);
	memcpy(bytes, writer.bytes, record);
	for (size_t i = 0; i < ROUNDS; i++) {
		/* The time comes after header, ip, pid and tid. */
		w_put(&writer, record + 24, 1000 + i, 8);
		memcpy(bytes + record + i * size, writer.bytes + record, size);
	}
	reader_open(&reader, bytes, record + ROUNDS * size, 1 << 16, &opts);
	if (CHECK_EQ_I64(reader.opened, WB_OK)) {
		while ((reader.end = wb_capture_next_batch(reader.capture, 100, &batch)) == WB_OK) {
			for (size_t i = 0; i < batch->count; i++) {
				CHECK(batch->items[i].sample->time_ns >= last);
				last = batch->items[i].sample->time_ns;
			}
			CHECK_EQ_U64(batch->first, count);
			count += batch->count;
			wb_batch_free(batch);
		}
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_EQ_U64(count, ROUNDS + SAMPLES);
	}
	reader_close(&reader);
	free(bytes);
}

/* The seeds of fuzz/corpus/perf: test_capture_perf --write FOLDER. */
static int write_seeds(const char *folder)
{
	static const char *const names[] = { "file", "file-big-endian", "version-1", "pipe", "pipe-compressed", "pipe-compressed2", "events" };
	char path[4096];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (i < 3)
			write_file(&writer, i == 1, i == 2 ? 1 : 2);
		else if (i == 3)
			write_pipe(&writer, false);
		else if (i < 6)
			write_compressed(&writer, i == 4 ? T_COMPRESSED : T_COMPRESSED2, 400);
		else
			write_events();
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		test_write_file(path, writer.bytes, writer.size);
	}
	return test_summary();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write_seeds(argv[2]);
	TEST_RUN(reads_every_form);
	TEST_RUN(reads_what_is_there);
	TEST_RUN(survives_damage);
	TEST_RUN(says_what_is_wrong);
	TEST_RUN(reads_compressed_records);
	TEST_RUN(survives_damaged_compression);
	TEST_RUN(skips_what_it_does_not_know);
	TEST_RUN(reads_simpleperf);
	TEST_RUN(says_that_data_is_cut);
	TEST_RUN(tells_events_apart);
	TEST_RUN(leaves_out_what_is_not_wanted);
	TEST_RUN(fails_clean_without_memory);
	TEST_RUN(stays_in_its_memory);
	return test_summary();
}
