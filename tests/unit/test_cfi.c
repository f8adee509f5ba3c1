/* SPDX-License-Identifier: MIT */
/*
 * Finding the FDE of an address: in every encoding, with a search table that is sound, damaged or absent, in both sections, beside odd and broken
 * neighbours. Every FDE has a CFA of its own, rsp + N, so that N tells which one was found; an answer is written as "section N start-end".
 */
#include "base/mem.h"
#include "unwind/cfi.h"

#include "tests/test.h"
#include "tests/unit/cfi_make.h"

#include <pthread.h>

enum { TEXT = 0x1000, TEXT_SIZE = 0x2000, GOT = 0x3800, HDR = 0x4000, EH = 0x5000, LOW_EH = 0x200, LOW_GOT = 0x100, STEP = 0x20, ANSWER_MAX = 64 };

static void count_diag(void *arg, const struct wb_diag *diag)
{
	if (diag->code == WB_DIAG_CFI_MALFORMED)
		++*(unsigned *)arg;
}

/* ---- Images ---- */

struct sections {
	const struct cfi_make *eh, *debug;
	const uint8_t *hdr;
	size_t hdr_size;
	uint64_t cache_bytes;
};

struct opened {
	struct wb_session *session;
	struct wb_image *image;
	unsigned diags;
};

/* Heap copies of their exact size, so that sanitizers see a byte too many. */
static void open_sections(struct opened *o, const struct sections *given)
{
	static const uint8_t text[TEXT_SIZE], got[16];
	struct wb_session_opts opts = { .size = sizeof(opts), .diag = count_diag, .diag_arg = &o->diags, .cache_bytes = given->cache_bytes };
	bool is_64 = (given->eh ? given->eh : given->debug)->address_size == 8;
	struct elf_make m;
	unsigned first;
	uint8_t *file;
	size_t size;

	*o = (struct opened){ NULL, NULL, 0 };
	elf_make_init(&m, is_64, false, 3, is_64 ? 62 : 3);
	first = elf_make_section(&m, ".text", 1, 6, TEXT, text, sizeof(text));
	elf_make_section(&m, ".got.plt", 1, 3, given->eh ? given->eh->data_base : GOT, got, sizeof(got));
	if (given->hdr)
		elf_make_section(&m, ".eh_frame_hdr", 1, 2, HDR, given->hdr, given->hdr_size);
	if (given->eh)
		elf_make_section(&m, ".eh_frame", 1, 2, given->eh->vaddr, given->eh->bytes, given->eh->size);
	if (given->debug)
		elf_make_section(&m, ".debug_frame", 1, 0, 0, given->debug->bytes, given->debug->size);
	elf_make_segment(&m, 1, 5, first, first);
	file = elf_make_finish(&m, &size);
	REQUIRE(wb_session_new(&opts, &o->session) == WB_OK);
	CHECK_EQ_I64(wb_image_open_bytes(o->session, "made", file, size, 0, free, file, &o->image), WB_OK);
}

static void close_sections(struct opened *o)
{
	wb_image_unref(o->image);
	wb_session_free(o->session);
}

static const char *answer(struct opened *o, uint64_t pc, char *text)
{
	struct wb_row_info info = { .size = sizeof(info) };
	enum wb_err err = wb_row_info(o->session, o->image, pc, WB_HOW_CFI, &info);

	if (err == WB_NONE)
		strcpy(text, "none");
	else if (err)
		snprintf(text, ANSWER_MAX, "%s", wb_err_text(err));
	else
		snprintf(text, ANSWER_MAX, "%s %d %x-%x", info.section, (int)info.cfa.offset, (unsigned)info.start, (unsigned)info.end);
	return text;
}

static void check_answer(struct opened *o, uint64_t pc, const char *expect)
{
	char text[ANSWER_MAX];

	CHECK_STR(answer(o, pc, text), expect);
}

/* Every address of a grid has the same answer in both. */
static bool agree(struct opened *a, struct opened *b)
{
	bool ok = true;

	for (uint64_t pc = 0; pc < TEXT + TEXT_SIZE; pc += pc < TEXT ? TEXT / 4 : STEP) {
		char x[ANSWER_MAX], y[ANSWER_MAX];

		ok &= test_check_str(answer(a, pc, x), answer(b, pc, y), "answer", TEST_WHERE);
		ok &= test_check_str(answer(a, pc + STEP - 1, x), answer(b, pc + STEP - 1, y), "answer", TEST_WHERE);
	}
	return ok;
}

/* ---- Sections ---- */

static const struct cfi_make usual = { .vaddr = EH, .text_base = TEXT, .data_base = GOT, .address_size = 8, .version = 1, .augmentation = "zR",
                                       .encoding = 0x1b };
static const uint8_t cie_program[] = { 0x0c, 7, 8, 0x90, 1 };
static const uint8_t cie_program_32[] = { 0x0c, 4, 8, 0x88, 1 };

static size_t put_cie(struct cfi_make *m)
{
	return m->address_size == 8 ? cfi_make_cie(m, cie_program, sizeof(cie_program)) : cfi_make_cie(m, cie_program_32, sizeof(cie_program_32));
}

static size_t put_fde(struct cfi_make *m, size_t cie, uint64_t start, uint64_t range, uint8_t cfa)
{
	return cfi_make_fde(m, cie, start, range, (uint8_t[]){ 0x0e, cfa }, 2);
}

/* Two neighbours, a gap, a third; not in order. */
static void put_three(struct cfi_make *m)
{
	size_t cie = put_cie(m);

	put_fde(m, cie, 0x1100, 0x80, 17);
	put_fde(m, cie, 0x1000, 0x100, 16);
	put_fde(m, cie, 0x1200, 0x40, 18);
}

static void check_three(struct opened *o, const char *section)
{
	char expect[3][ANSWER_MAX];

	snprintf(expect[0], ANSWER_MAX, "%s 16 1000-1100", section);
	snprintf(expect[1], ANSWER_MAX, "%s 17 1100-1180", section);
	snprintf(expect[2], ANSWER_MAX, "%s 18 1200-1240", section);
	check_answer(o, 0xfff, "none");
	check_answer(o, 0x1000, expect[0]);
	check_answer(o, 0x10ff, expect[0]);
	check_answer(o, 0x1100, expect[1]);
	check_answer(o, 0x117f, expect[1]);
	check_answer(o, 0x1180, "none");
	check_answer(o, 0x1200, expect[2]);
	check_answer(o, 0x123f, expect[2]);
	check_answer(o, 0x1240, "none");
	check_answer(o, UINT64_MAX, "none");
}

static void check_with_and_without_table(const struct cfi_make *eh)
{
	static uint8_t hdr[4096];
	struct opened without, with;

	open_sections(&without, &(struct sections){ .eh = eh });
	open_sections(&with, &(struct sections){ .eh = eh, .hdr = hdr, .hdr_size = cfi_make_hdr(eh, HDR, hdr) });
	agree(&with, &without);
	close_sections(&with);
	close_sections(&without);
}

static void encodings(void)
{
	static const uint8_t formats[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x09, 0x0a, 0x0b, 0x0c }, bases[] = { 0, 0x10, 0x20, 0x30 };
	static struct cfi_make m;

	for (unsigned address_size = 4; address_size <= 8; address_size += 4)
		for (unsigned i = 0; i <= sizeof(formats) * sizeof(bases); i++) {
			uint8_t encoding = i < sizeof(formats) * sizeof(bases) ? formats[i % sizeof(formats)] | bases[i / sizeof(formats)] : 0x50;
			struct opened o;
			char name[32];

			snprintf(name, sizeof(name), "encoding %#x, %u bytes", encoding, address_size);
			test_row(name);
			m = usual;
			m.address_size = (uint8_t)address_size;
			m.encoding = encoding;
			/* Unsigned distances lead upwards. */
			if (!(encoding & 0x08)) {
				m.vaddr = LOW_EH;
				m.data_base = LOW_GOT;
			}
			put_three(&m);
			open_sections(&o, &(struct sections){ .eh = &m });
			check_three(&o, ".eh_frame");
			CHECK_EQ_U64(o.diags, 0);
			close_sections(&o);
			check_with_and_without_table(&m);
		}
}

/* Relative to the function, indirect, of an unknown format or base: none can be read; one line says so. */
static void encodings_that_cannot_be(void)
{
	static const uint8_t refused[] = { 0x40, 0x9b, 0x80, 0x05, 0x0d, 0x0f, 0x60, 0x70 };
	static struct cfi_make m;

	for (size_t i = 0; i < sizeof(refused); i++) {
		struct opened o;

		m = usual;
		m.encoding = refused[i];
		put_three(&m);
		open_sections(&o, &(struct sections){ .eh = &m });
		check_answer(&o, 0x1000, "none");
		CHECK_EQ_U64(o.diags, 1);
		close_sections(&o);
		check_with_and_without_table(&m);
	}
}

static void versions(void)
{
	static const struct { const char *name; bool is_debug, is_64; uint8_t version; const char *augmentation; } table[] = {
		{ ".eh_frame 1 zR", false, false, 1, "zR" },
		{ ".eh_frame 3 zR", false, false, 3, "zR" },
		{ ".eh_frame 4 zR", false, false, 4, "zR" },
		{ ".eh_frame without augmentation", false, false, 1, "" },
		{ ".eh_frame z alone", false, false, 1, "z" },
		{ ".eh_frame with an unknown letter", false, false, 1, "zRx" },
		{ ".eh_frame, signal frames", false, false, 1, "zRS" },
		{ ".eh_frame with an extended length", false, true, 1, "zR" },
		{ ".debug_frame 1", true, false, 1, "" },
		{ ".debug_frame 3", true, false, 3, "" },
		{ ".debug_frame 4", true, false, 4, "" },
		{ ".debug_frame 1, 64 bits", true, true, 1, "" },
		{ ".debug_frame 3, 64 bits", true, true, 3, "" },
		{ ".debug_frame 4, 64 bits", true, true, 4, "" },
	};
	static struct cfi_make m;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct opened o;

		test_row(table[i].name);
		m = usual;
		m.is_debug_frame = table[i].is_debug;
		m.is_64 = table[i].is_64;
		m.version = table[i].version;
		m.augmentation = table[i].augmentation;
		m.vaddr = table[i].is_debug ? 0 : EH;
		put_three(&m);
		open_sections(&o, table[i].is_debug ? &(struct sections){ .debug = &m } : &(struct sections){ .eh = &m });
		check_three(&o, table[i].is_debug ? ".debug_frame" : ".eh_frame");
		CHECK_EQ_U64(o.diags, 0);
		close_sections(&o);
	}
}

/* ---- The search table ---- */

static void put_six(struct cfi_make *m)
{
	size_t cie = put_cie(m);

	for (unsigned i = 0; i < 6; i++)
		put_fde(m, cie, 0x1000 + 0x100 * i, i == 3 ? 0x80 : 0x100, (uint8_t)(16 + i));
}

/* Any byte of it changed to anything of these: what is found is what is found without it. */
static void damaged_table(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096];
	size_t size;
	struct opened without;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, hdr);
	open_sections(&without, &(struct sections){ .eh = &m });
	check_answer(&without, 0x1350, ".eh_frame 19 1300-1380");
	for (size_t at = 0; at < size; at++)
		for (unsigned n = 0; n < 5; n++) {
			uint8_t saved = hdr[at];
			struct opened o;
			char name[40];

			snprintf(name, sizeof(name), "byte %zu, change %u", at, n);
			test_row(name);
			hdr[at] = (uint8_t[]){ 0, 0xff, saved ^ 1, saved ^ 0x80, saved + 8 }[n];
			open_sections(&o, &(struct sections){ .eh = &m, .hdr = hdr, .hdr_size = size });
			agree(&o, &without);
			CHECK(o.diags <= 1);
			close_sections(&o);
			hdr[at] = saved;
		}
	close_sections(&without);
}

static void cut_table(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096];
	struct opened without;
	size_t size;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, hdr);
	open_sections(&without, &(struct sections){ .eh = &m });
	for (size_t cut = 0; cut < size + 32; cut++) {
		struct opened o;

		/* Past its end there are zeros: linkers leave them. */
		open_sections(&o, &(struct sections){ .eh = &m, .hdr = hdr, .hdr_size = cut });
		agree(&o, &without);
		CHECK_EQ_U64(o.diags, 0);
		close_sections(&o);
	}
	close_sections(&without);
}

/* Entries that lead somewhere else, while the table stays sorted. */
static void misleading_table(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096], good[4096];
	struct opened without;
	size_t size;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, good);
	open_sections(&without, &(struct sections){ .eh = &m });
	for (size_t entry = 0; entry < 6; entry++)
		for (size_t other = 0; other < m.size; other++) {
			/* To every byte of the section: CIE, FDEs, in between. */
			uint32_t to = (uint32_t)(EH + other - HDR);
			struct opened o;
			char name[40];

			snprintf(name, sizeof(name), "entry %zu to %zu", entry, other);
			test_row(name);
			memcpy(hdr, good, size);
			memcpy(hdr + 12 + entry * 8 + 4, &to, 4);
			open_sections(&o, &(struct sections){ .eh = &m, .hdr = hdr, .hdr_size = size });
			for (uint64_t pc = 0x1080; pc < 0x1700; pc += 0x100) {
				char x[ANSWER_MAX], y[ANSWER_MAX];

				CHECK_STR(answer(&o, pc, x), answer(&without, pc, y));
			}
			close_sections(&o);
		}
	close_sections(&without);
}

/* Opening reads the table; only the FDEs that are asked for are read. */
static void sound_table_is_enough(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096];
	struct opened o;
	size_t size, bad;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, hdr);
	/* The second FDE's length goes past the end: without the table, all behind it would be lost. */
	bad = m.fdes[1].offset;
	memset(m.bytes + bad, 0x7f, 4);
	open_sections(&o, &(struct sections){ .eh = &m, .hdr = hdr, .hdr_size = size });
	check_answer(&o, 0x1050, ".eh_frame 16 1000-1100");
	check_answer(&o, 0x1250, ".eh_frame 18 1200-1300");
	CHECK_EQ_U64(o.diags, 0);
	check_answer(&o, 0x1150, "none");
	CHECK_EQ_U64(o.diags, 1);
	check_answer(&o, 0x1550, ".eh_frame 21 1500-1600");
	close_sections(&o);
}

/* ---- Two sections ---- */

static void both_sections(void)
{
	static struct cfi_make eh, debug;
	struct opened o;
	size_t cie;

	eh = usual;
	cie = put_cie(&eh);
	put_fde(&eh, cie, 0x1000, 0x100, 16);
	cfi_make_fde(&eh, cie, 0x1200, 0x100, (uint8_t[]){ 0x3e }, 1);
	cfi_make_fde(&eh, cie, 0x1300, 0x100, (uint8_t[]){ 0x3e }, 1);
	debug = usual;
	debug.is_debug_frame = true;
	debug.vaddr = 0;
	debug.augmentation = "";
	cie = put_cie(&debug);
	put_fde(&debug, cie, 0x1000, 0x100, 32);
	put_fde(&debug, cie, 0x1100, 0x100, 33);
	put_fde(&debug, cie, 0x1200, 0x100, 34);
	open_sections(&o, &(struct sections){ .eh = &eh, .debug = &debug });
	check_answer(&o, 0x1010, ".eh_frame 16 1000-1100");
	check_answer(&o, 0x1110, ".debug_frame 33 1100-1200");
	/* What .eh_frame has broken, .debug_frame may have whole. */
	check_answer(&o, 0x1210, ".debug_frame 34 1200-1300");
	check_answer(&o, 0x1310, wb_err_text(WB_ERR_DATA));
	check_answer(&o, 0x1410, "none");
	close_sections(&o);
}

/* ---- Odd entries ---- */

/* Sections of files that no linker saw are placed one after the other, the first one at 0. */
static void relocatable_files(void)
{
	static const uint8_t text[TEXT_SIZE];
	struct cfi_make eh = usual;
	struct opened o = { NULL, NULL, 0 };
	struct elf_make m;
	uint8_t *file;
	size_t size, cie;

	eh.vaddr = TEXT_SIZE;
	cie = put_cie(&eh);
	put_fde(&eh, cie, 0, 0x20, 16);
	put_fde(&eh, cie, 0x20, 0x20, 17);
	elf_make_init(&m, true, false, 1, 62);
	elf_make_section(&m, ".text", 1, 6, 0, text, sizeof(text));
	elf_make_section(&m, ".eh_frame", 1, 2, 0, eh.bytes, eh.size);
	file = elf_make_finish(&m, &size);
	REQUIRE(wb_session_new(NULL, &o.session) == WB_OK);
	REQUIRE(wb_image_open_bytes(o.session, "made.o", file, size, 0, free, file, &o.image) == WB_OK);
	check_answer(&o, 0, ".eh_frame 16 0-20");
	check_answer(&o, 0x20, ".eh_frame 17 20-40");
	close_sections(&o);
}

static void odd_entries(void)
{
	static struct cfi_make m;
	static const struct { uint64_t pc; const char *expect; } table[] = {
		{ 0x0000, "none" },
		{ 0x0010, "none" },
		{ 0x1000, ".eh_frame 20 1000-1400" },
		{ 0x1100, ".eh_frame 21 1100-1200" }, /* inside the other */
		{ 0x1180, ".eh_frame 21 1100-1200" },
		{ 0x1200, ".eh_frame 20 1000-1400" }, /* behind it; an FDE that covers nothing starts here too */
		{ 0x13ff, ".eh_frame 20 1000-1400" },
		{ 0x1400, "none" },
		{ 0x1500, ".eh_frame 24 1500-1600" },
		{ 0x1600, ".eh_frame 23 1500-1680" }, /* two that start together */
		{ 0x1680, "none" },
		{ 0x1710, ".eh_frame 25 1700-1720" },
		{ UINT64_MAX, "none" },
	};
	size_t cie;
	struct opened o;

	m = usual;
	m.encoding = 0x00;
	cie = put_cie(&m);
	put_fde(&m, cie, 0, 0x100, 30);           /* the linker dropped it */
	put_fde(&m, cie, UINT64_MAX, 0x100, 31);  /* that too */
	put_fde(&m, cie, 0x1000, 0x400, 20);
	put_fde(&m, cie, 0x1100, 0x100, 21);
	put_fde(&m, cie, 0x1200, 0, 22);
	cfi_make_put(&m, 0, 4);                   /* a terminator is no end */
	put_fde(&m, cie, 0x1500, 0x180, 23);
	put_fde(&m, cie, 0x1500, 0x100, 24);
	put_fde(&m, cie, 0x1700, 0x20, 25);
	cfi_make_put(&m, 0, 4);
	open_sections(&o, &(struct sections){ .eh = &m });
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_answer(&o, table[i].pc, table[i].expect);
	CHECK_EQ_U64(o.diags, 0);
	close_sections(&o);
	/* No table: its entries of 32 bits do not reach -1. */
	m.num_fdes = 0;
	m.size = 0;
	cie = put_cie(&m);
	put_fde(&m, cie, 0, 0x1080, 30);
	put_fde(&m, cie, 0x1000, 0x400, 20);
	put_fde(&m, cie, 0x1100, 0x100, 21);
	put_fde(&m, cie, 0x1200, 0, 22);
	put_fde(&m, cie, 0x1700, 0x20, 25);
	check_with_and_without_table(&m);
}

/* ---- Damage ---- */

/* The FDE at 0x1100 is damaged in one way; its neighbours answer, and one line tells. */
static void one_damaged_entry(void)
{
	static const struct { const char *name; int at; uint8_t bytes[4]; const char *expect; } table[] = {
		{ "CIE pointer outside the section", 4, { 0xff, 0xff, 0xff, 0x0f }, "none" },
		{ "CIE pointer to an FDE", 4, { 0 }, "none" },
		{ "length 1", 0, { 1 }, "none" },
		{ "length 3", 0, { 3 }, "none" },
		{ "length cuts the address", 0, { 6 }, "none" },
		{ "length cuts the augmentation", 0, { 12 }, "none" },
		{ "size of the augmentation past the end", 16, { 0x7f, 0x0e, 17, 0 }, "none" },
		{ "unknown instruction", 17, { 0x3e, 0, 0, 0 }, "malformed" },
		{ "operand cut off", 17, { 0, 0, 0, 0x0e }, "malformed" },
		{ "restore_state without remember_state", 17, { 0x0b, 0, 0, 0 }, "malformed" },
		{ "unknown register for the CFA", 17, { 0x0d, 99, 0, 0 }, "malformed" },
	};
	static struct cfi_make m;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		static uint8_t hdr[256];
		size_t cie, fde, hdr_size;
		struct opened o, with;

		test_row(table[i].name);
		m = usual;
		cie = put_cie(&m);
		put_fde(&m, cie, 0x1000, 0x100, 16);
		fde = cfi_make_fde(&m, cie, 0x1100, 0x100, (uint8_t[]){ 0x0e, 17, 0, 0 }, 4);
		/* Filler: zeros are terminators of four bytes, up to the next FDE from wherever a wrong length leads to. */
		for (unsigned n = table[i].at ? 0 : (1u + 3u * table[i].bytes[0]) % 4; n < 24; n++)
			cfi_make_put(&m, 0, 1);
		put_fde(&m, cie, 0x1200, 0x100, 18);
		memcpy(m.bytes + fde + table[i].at, table[i].bytes, 4);
		if (table[i].at == 4 && !table[i].bytes[0]) {
			/* To the FDE before. */
			uint32_t to = (uint32_t)(fde + 4 - m.fdes[0].offset);

			memcpy(m.bytes + fde + 4, &to, 4);
		}
		if (table[i].at == 0) /* what the length does not cover any more */
			memset(m.bytes + fde + 4 + table[i].bytes[0], 0, 21u - table[i].bytes[0] - 4);
		open_sections(&o, &(struct sections){ .eh = &m });
		check_answer(&o, 0x1050, ".eh_frame 16 1000-1100");
		check_answer(&o, 0x1150, strcmp(table[i].expect, "none") ? wb_err_text(WB_ERR_DATA) : "none");
		check_answer(&o, 0x1250, ".eh_frame 18 1200-1300");
		CHECK_EQ_U64(o.diags, 1);
		hdr_size = cfi_make_hdr(&m, HDR, hdr);
		open_sections(&with, &(struct sections){ .eh = &m, .hdr = hdr, .hdr_size = hdr_size });
		check_answer(&with, 0x1050, ".eh_frame 16 1000-1100");
		check_answer(&with, 0x1250, ".eh_frame 18 1200-1300");
		CHECK_EQ_U64(with.diags, 0);
		check_answer(&with, 0x1150, strcmp(table[i].expect, "none") ? wb_err_text(WB_ERR_DATA) : "none");
		CHECK_EQ_U64(with.diags, 1);
		close_sections(&with);
		close_sections(&o);
	}
}

static void damaged_cie(void)
{
	static const struct { const char *name; size_t at; uint8_t byte; } table[] = {
		{ "version", 8, 9 },
		{ "augmentation without a size", 9, 'x' },
		{ "size of the augmentation", 15, 0x7f },
		{ "encoding", 16, 0x4b },
		{ "program", 17, 0x3e },
	};
	static struct cfi_make m;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t good, bad;
		struct opened o;

		test_row(table[i].name);
		m = usual;
		bad = put_cie(&m);
		good = put_cie(&m);
		put_fde(&m, bad, 0x1100, 0x100, 17);
		put_fde(&m, good, 0x1000, 0x100, 16);
		put_fde(&m, bad, 0x1300, 0x100, 17);
		put_fde(&m, good, 0x1200, 0x100, 18);
		m.bytes[table[i].at] = table[i].byte;
		open_sections(&o, &(struct sections){ .eh = &m });
		check_answer(&o, 0x1050, ".eh_frame 16 1000-1100");
		check_answer(&o, 0x1250, ".eh_frame 18 1200-1300");
		check_answer(&o, 0x1150, table[i].at == 17 ? wb_err_text(WB_ERR_DATA) : "none");
		CHECK_EQ_U64(o.diags, 1);
		close_sections(&o);
	}
}

/* ---- Budget and threads ---- */

static void nothing_may_be_kept(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096];
	size_t size;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, hdr);
	for (unsigned with_table = 0; with_table < 2; with_table++) {
		struct opened all, none;
		struct wb_cfi *cfi;

		open_sections(&all, &(struct sections){ .eh = &m });
		open_sections(&none, &(struct sections){ .eh = &m, .cache_bytes = 1, .hdr = with_table ? hdr : NULL, .hdr_size = size });
		agree(&none, &all);
		REQUIRE(wb_cfi_of_image(none.image, &cfi) == WB_OK);
		for (unsigned i = 0; i < 2; i++) {
			const struct wb_row_table *table;
			struct wb_row_table *loose = NULL;

			CHECK_EQ_I64(wb_cfi_find(cfi, 0x1010, &table, &loose), WB_OK);
			CHECK(loose && loose == table);
			wb_mem_free(loose);
		}
		close_sections(&none);
		close_sections(&all);
	}
}

enum { THREADS = 8, ROUNDS = 4 };

struct worker {
	pthread_t thread;
	struct opened *opened;
	unsigned seed;
	unsigned wrong;
};

static void *ask_everything(void *arg)
{
	struct worker *worker = arg;

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < 0x700 / STEP; i++) {
			/* Another order in each thread: odd strides visit every one. */
			uint64_t pc = 0x1000 + (i * (2 * worker->seed + 1) + worker->seed) % 64 * STEP;
			char text[ANSWER_MAX], expect[ANSWER_MAX];
			unsigned n = (unsigned)(pc - 0x1000) / 0x100;

			if (n >= 6 || (n == 3 && pc >= 0x1380))
				strcpy(expect, "none");
			else
				snprintf(expect, sizeof(expect), ".eh_frame %u %x-%x", 16 + n, 0x1000 + 0x100 * n, 0x1000 + 0x100 * n + (n == 3 ? 0x80 : 0x100));
			worker->wrong += strcmp(answer(worker->opened, pc, text), expect) != 0;
		}
	return NULL;
}

static void threads(void)
{
	static struct cfi_make m;
	static uint8_t hdr[4096];
	size_t size;

	m = usual;
	put_six(&m);
	size = cfi_make_hdr(&m, HDR, hdr);
	for (unsigned variant = 0; variant < 3; variant++) {
		struct worker workers[THREADS];
		struct opened o;

		hdr[12 + 2 * 8] ^= variant == 2; /* found bad by one of them */
		open_sections(&o, &(struct sections){ .eh = &m, .hdr = variant ? hdr : NULL, .hdr_size = size });
		for (unsigned i = 0; i < THREADS; i++) {
			workers[i] = (struct worker){ .opened = &o, .seed = i };
			REQUIRE(pthread_create(&workers[i].thread, NULL, ask_everything, &workers[i]) == 0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(workers[i].thread, NULL);
			CHECK_EQ_U64(workers[i].wrong, 0);
		}
		close_sections(&o);
	}
}

int main(void)
{
	TEST_RUN(encodings);
	TEST_RUN(encodings_that_cannot_be);
	TEST_RUN(versions);
	TEST_RUN(damaged_table);
	TEST_RUN(cut_table);
	TEST_RUN(misleading_table);
	TEST_RUN(sound_table_is_enough);
	TEST_RUN(both_sections);
	TEST_RUN(relocatable_files);
	TEST_RUN(odd_entries);
	TEST_RUN(one_damaged_entry);
	TEST_RUN(damaged_cie);
	TEST_RUN(nothing_may_be_kept);
	TEST_RUN(threads);
	return test_summary();
}
