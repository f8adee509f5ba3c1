/* SPDX-License-Identifier: MIT */
/*
 * Goroutines of a small Go process that is made here (go_make.h), as each release lays it out; then damaged in all ways that are cheap. What real releases
 * say of themselves is compared by tests/oracle/go_core.sh.
 */
#include "test.h"

#include "base/mem.h"
#include "go_make.h"
#include "model/session.h"

enum { X86_64 = 62, I386 = 3 };

static struct wb_session *session;

/* The process; its image is found by its table alone. `size` bytes of its memory are there. */
static struct wb_space *make_space(const struct go_make *m, struct wb_image *image, size_t size)
{
	struct wb_platform platform = { .arch = m->word == 8 ? WB_ARCH_X86_64 : WB_ARCH_X86 };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = PCLNTAB_TEXT, .end = PCLNTAB_TEXT + 0x60, .prot = WB_PROT_READ | WB_PROT_EXEC,
	                              .file_offset = 0, .image = image };
	struct wb_memory memory = { .size = sizeof(memory), .start = GO_MAKE_DATA, .end = GO_MAKE_DATA + size, .bytes = m->bytes };
	struct wb_space *space, *mapped, *filled;
	struct wb_object *object;
	uint64_t offset;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &object) || wb_object_offset_of_vaddr(object, PCLNTAB_TEXT, &offset))
		exit(1);
	mapping.file_offset = offset;
	if (wb_space_new(session, &platform, &space) || wb_space_map(space, &mapping, 1, &mapped))
		exit(1);
	wb_space_unref(space);
	if (!size)
		return mapped;
	if (wb_space_add_memory(mapped, &memory, &filled))
		exit(1);
	wb_space_unref(mapped);
	return filled;
}

static struct wb_image *make_image(const struct go_make *m)
{
	struct wb_image *image;
	size_t size;
	uint8_t *bytes = go_make_program(m, m->word == 8 ? X86_64 : I386, &size);

	/* Freed with the image. */
	if (wb_image_open_bytes(session, "made", bytes, size, 0, free, bytes, &image))
		exit(1);
	return image;
}

static uint64_t reg_of(const struct wb_goroutine *goroutine, uint32_t number)
{
	for (size_t i = 0; i < goroutine->context.num_regs; i++)
		if (goroutine->context.regs[i].number == number)
			return goroutine->context.regs[i].value;
	return 0;
}

static void check_waiting(struct wb_goroutines *all, const struct go_make *m)
{
	struct wb_goroutine g = { .size = sizeof(g) };

	REQUIRE(wb_goroutines_get(all, 0, &g) == WB_OK);
	CHECK_EQ_U64(g.id, 1);
	CHECK_EQ_U64(g.address, GO_MAKE_DATA + GO_MAKE_G1);
	CHECK_STR(g.state, "IO wait");
	CHECK(g.status == WB_GOROUTINE_WAITING && !g.flags && !g.thread_address && !g.tid);
	CHECK_EQ_U64(g.waiting_since_ns, 12345);
	CHECK_EQ_U64(g.stack_end, GO_MAKE_DATA + GO_MAKE_STACK1 + GO_MAKE_STACK);
	CHECK_EQ_U64(g.start, 0x1000);
	CHECK(!g.created_at && !g.created_by);
	/* Parked behind a call. */
	CHECK(g.context.pc_kind == WB_PC_RETURN);
	CHECK_EQ_U64(reg_of(&g, WB_REG_PC), 0x1020);
	CHECK_EQ_U64(reg_of(&g, m->word == 8 ? 7 : 4), GO_MAKE_DATA + GO_MAKE_STACK1 + GO_MAKE_STACK - 0x100);
	CHECK_EQ_U64(reg_of(&g, m->word == 8 ? 6 : 5), m->word == 8 ? 0x77 : 0);
	REQUIRE(g.num_labels == 2);
	CHECK_STR(g.labels[0].key, "key");
	CHECK_STR(g.labels[0].value, "value");
	CHECK_STR(g.labels[1].key, "path");
	CHECK_STR(g.labels[1].value, "/a b");
}

static void check_running(struct wb_goroutines *all, const struct go_make *m)
{
	struct wb_goroutine g = { .size = sizeof(g) };

	REQUIRE(wb_goroutines_get(all, 1, &g) == WB_OK);
	CHECK_EQ_U64(g.id, 7);
	CHECK_STR(g.state, "running");
	CHECK(g.flags == (WB_GOROUTINE_ON_THREAD | WB_GOROUTINE_LOCKED));
	CHECK(g.tid == 100 && g.thread_id == 3 && g.thread_address == GO_MAKE_DATA + GO_MAKE_M3);
	CHECK_EQ_U64(g.created_at, 0x1050);
	CHECK_EQ_U64(g.created_by, m->layout->parent ? 1 : 0);
	CHECK(!g.num_labels);
	REQUIRE(wb_goroutines_get(all, 2, &g) == WB_OK);
	CHECK(!g.id && g.flags == (WB_GOROUTINE_SYSTEM | WB_GOROUTINE_ON_THREAD) && g.tid == 101 && !g.thread_id);
	CHECK_STR(g.state, "idle");
	CHECK_EQ_U64(g.address, GO_MAKE_DATA + GO_MAKE_IDLE);
	CHECK(wb_goroutines_get(all, 3, &g) == WB_NONE);
}

static void reads_every_release(void)
{
	static struct go_make m;
	const struct wb_go_layout *layout;

	for (unsigned word = 4; word <= 8; word += 4) {
		for (size_t i = 0; (layout = wb_go_layout(word, i)); i++) {
			struct wb_goroutines *all = NULL;
			struct wb_image *image;
			struct wb_space *space;
			char name[32];

			snprintf(name, sizeof(name), "go1.%u, %u bits", layout->first, word * 8);
			test_row(name);
			go_make(&m, layout, word);
			image = make_image(&m);
			space = make_space(&m, image, sizeof(m.bytes));
			if (CHECK(wb_goroutines_new(space, &all) == WB_OK) && CHECK_EQ_U64(wb_goroutines_count(all), 3)) {
				check_waiting(all, &m);
				check_running(all, &m);
			}
			wb_goroutines_free(all);
			wb_space_unref(space);
			wb_image_unref(image);
		}
	}
}

/* ---- What the stack of a running one goes on with ---- */

static const struct wb_go_layout *newest(void)
{
	const struct wb_go_layout *layout = NULL;

	for (size_t i = 0; wb_go_layout(8, i); i++)
		layout = wb_go_layout(8, i);
	return layout;
}

struct change { const char *name; unsigned at; uint64_t value; unsigned size; };

/* The context of the running goroutine, after changes. */
static void finds_where_stacks_go_on(void)
{
	static struct go_make m;
	const struct wb_go_layout *l = newest();
	const uint64_t stack = GO_MAKE_DATA + GO_MAKE_STACK7;
	const unsigned buf = GO_MAKE_G7 + WB_GO_G_BUF * 8, syscall = buf + l->buf_words * 8u, vdso = GO_MAKE_M3 + l->next + l->vdso_sp;
	const struct { struct change changes[3]; uint64_t pc, sp; enum wb_pc_kind kind; } cases[] = {
		{ { { "as parked", 0, 0, 0 } }, 0x1020, stack + GO_MAKE_STACK - 0x100, WB_PC_RETURN },
		{ { { "about to start", buf + 8, 0x1040, 8 } }, 0x1040, stack + GO_MAKE_STACK - 0x100, WB_PC_EXACT },
		{ { { "in a system call", GO_MAKE_G7 + l->status, WB_GOROUTINE_SYSCALL, 4 }, { "", syscall, stack + 0x80, 8 }, { "", syscall + 8, 0x1048, 8 } },
		  0x1048, stack + 0x80, WB_PC_RETURN },
		{ { { "in the vDSO", vdso, stack + 0x90, 8 }, { "", vdso + 8, 0x1010, 8 } }, 0x1010, stack + 0x90, WB_PC_RETURN },
		{ { { "on another stack", buf, 0x99999, 8 } }, 0, 0, WB_PC_EXACT },
		{ { { "not in Go's code", buf + 8, 0x5000, 8 } }, 0, 0, WB_PC_EXACT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wb_goroutine g = { .size = sizeof(g) };
		struct wb_goroutines *all = NULL;
		struct wb_image *image;
		struct wb_space *space;

		test_row(cases[i].changes[0].name);
		go_make(&m, l, 8);
		for (unsigned k = 0; k < 3 && cases[i].changes[k].size; k++)
			go_make_int(&m, cases[i].changes[k].at, cases[i].changes[k].value, cases[i].changes[k].size);
		image = make_image(&m);
		space = make_space(&m, image, sizeof(m.bytes));
		if (CHECK(wb_goroutines_new(space, &all) == WB_OK) && CHECK(wb_goroutines_get(all, 1, &g) == WB_OK)) {
			CHECK_EQ_U64(reg_of(&g, WB_REG_PC), cases[i].pc);
			CHECK_EQ_U64(reg_of(&g, 7), cases[i].sp);
			CHECK(g.context.pc_kind == (uint32_t)cases[i].kind && (g.context.num_regs != 0) == (cases[i].pc != 0));
		}
		wb_goroutines_free(all);
		wb_space_unref(space);
		wb_image_unref(image);
	}
}

/* ---- Damage ---- */

static void tells_what_is_unsound(void)
{
	static struct go_make m;
	const struct wb_go_layout *l = newest();
	/* What is left out, how many are left; or the error. */
	const struct { struct change change; enum wb_err err; size_t count; } cases[] = {
		{ { "listed twice", GO_MAKE_LIST + 8, GO_MAKE_DATA + GO_MAKE_G1, 8 }, WB_ERR_DATA, 0 },
		{ { "one in another", GO_MAKE_LIST + 16, GO_MAKE_DATA + GO_MAKE_G1 + 8, 8 }, WB_ERR_DATA, 0 },
		{ { "a list without end", GO_MAKE_ALLGS + 8, UINT64_MAX, 8 }, WB_NONE, 0 },
		{ { "a list that is not there", GO_MAKE_ALLGS, 0x90000, 8 }, WB_NONE, 0 },
		{ { "no known layout", GO_MAKE_G1 + l->start, 0x1234, 8 }, WB_ERR_DATA, 0 },
		{ { "a stack without end", GO_MAKE_G1 + 8, UINT64_MAX, 8 }, WB_ERR_DATA, 0 },
		{ { "threads in a circle", GO_MAKE_M0 + l->next, GO_MAKE_DATA + GO_MAKE_M3, 8 }, WB_OK, 3 },
		{ { "a thread that is not there", GO_MAKE_M3 + l->next, 0x90000, 8 }, WB_OK, 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wb_goroutines *all = NULL;
		struct wb_image *image;
		struct wb_space *space;

		test_row(cases[i].change.name);
		go_make(&m, l, 8);
		go_make_int(&m, cases[i].change.at, cases[i].change.value, cases[i].change.size);
		image = make_image(&m);
		space = make_space(&m, image, sizeof(m.bytes));
		CHECK(wb_goroutines_new(space, &all) == cases[i].err);
		CHECK_EQ_U64(wb_goroutines_count(all), cases[i].count);
		wb_goroutines_free(all);
		wb_space_unref(space);
		wb_image_unref(image);
	}
}

/* Reads all that there is; what comes out holds together, whatever the memory says. */
static void read_all(struct wb_space *space)
{
	struct wb_goroutine g = { .size = sizeof(g) };
	struct wb_goroutines *all = NULL;

	if (wb_goroutines_new(space, &all) != WB_OK)
		return;
	CHECK(wb_goroutines_count(all) <= 5);
	for (size_t i = 0; i < wb_goroutines_count(all); i++) {
		if (wb_goroutines_get(all, i, &g) != WB_OK)
			continue;
		CHECK(strlen(g.state) < 64 && g.num_labels <= 64);
		for (size_t k = 0; k < g.num_labels; k++)
			CHECK(strlen(g.labels[k].key) <= 1024 && strlen(g.labels[k].value) <= 1024);
		CHECK(!g.context.num_regs || (reg_of(&g, 7) >= g.stack_start && reg_of(&g, 7) < g.stack_end));
	}
	wb_goroutines_free(all);
}

static void survives_every_flipped_byte(void)
{
	static struct go_make m;

	for (size_t layout = 8; layout < 12; layout += 3) {
		struct wb_image *image;

		go_make(&m, wb_go_layout(8, layout), 8);
		image = make_image(&m);
		for (size_t i = GO_MAKE_ALLGS; i < GO_MAKE_M0 + 0x100; i++) {
			uint8_t was = m.bytes[i];
			struct wb_space *space;

			m.bytes[i] = was ? (uint8_t)~was : 0x80;
			space = make_space(&m, image, sizeof(m.bytes));
			read_all(space);
			wb_space_unref(space);
			m.bytes[i] = was;
		}
		for (size_t size = 0; size < sizeof(m.bytes); size += 8) {
			struct wb_space *space = make_space(&m, image, size);

			read_all(space);
			wb_space_unref(space);
		}
		wb_image_unref(image);
	}
}

static void survives_failing_allocations(void)
{
	static struct go_make m;
	struct wb_goroutines *all = NULL;
	struct wb_image *image;
	struct wb_space *space;
	enum wb_err err = WB_ERR_MEMORY;

	go_make(&m, newest(), 8);
	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 1000; nth++) {
		/* A new image each time: what it keeps is not made again. */
		image = make_image(&m);
		space = make_space(&m, image, sizeof(m.bytes));
		wb_mem_fail_at(nth, false);
		err = wb_goroutines_new(space, &all);
		wb_mem_fail_at(0, false);
		CHECK(err == WB_OK || err == WB_ERR_MEMORY);
		if (!err)
			wb_goroutines_free(all);
		wb_space_unref(space);
		wb_image_unref(image);
	}
	CHECK(err == WB_OK);
}

static void refuses_wrong_calls(void)
{
	struct wb_goroutines *all = NULL;
	struct wb_goroutine g = { .size = sizeof(g) };

	CHECK(wb_goroutines_new(NULL, &all) == WB_ERR_ARGUMENT);
	CHECK(wb_goroutines_get(NULL, 0, &g) == WB_ERR_ARGUMENT);
	CHECK_EQ_U64(wb_goroutines_count(NULL), 0);
	wb_goroutines_free(NULL);
}

int main(void)
{
	if (wb_session_new(NULL, &session))
		return 2;
	TEST_RUN(reads_every_release);
	TEST_RUN(finds_where_stacks_go_on);
	TEST_RUN(tells_what_is_unsound);
	TEST_RUN(survives_every_flipped_byte);
	TEST_RUN(survives_failing_allocations);
	TEST_RUN(refuses_wrong_calls);
	wb_session_free(session);
	return test_summary();
}
