/* SPDX-License-Identifier: MIT */
/* Structs that grow: shorter, equal and longer ones at the public edge. */
#include "test.h"

#include "base/err.h"

struct ours { size_t size; uint32_t a, b; uint64_t c; };
struct newer { struct ours ours; uint64_t d; };

static void takes_sized_structs(void)
{
	struct newer theirs = { { sizeof theirs, 1, 2, 3 }, 0 };
	struct ours ours;

	CHECK_EQ_I64(wb_struct_take(&ours, sizeof ours, &theirs), WB_OK);
	CHECK_EQ_U64(ours.size, sizeof ours);
	CHECK(ours.a == 1 && ours.b == 2 && ours.c == 3);

	theirs.d = UINT64_C(1) << 63;
	CHECK_EQ_I64(wb_struct_take(&ours, sizeof ours, &theirs), WB_ERR_ABI);

	/* An older caller: what it does not know is zero here. */
	theirs.ours.size = offsetof(struct ours, c);
	memset(&ours, 0xff, sizeof ours);
	CHECK_EQ_I64(wb_struct_take(&ours, sizeof ours, &theirs), WB_OK);
	CHECK(ours.size == sizeof ours && ours.a == 1 && ours.b == 2 && ours.c == 0);

	theirs.ours.size = sizeof(size_t) - 1;
	CHECK_EQ_I64(wb_struct_take(&ours, sizeof ours, &theirs), WB_ERR_ARGUMENT);
	theirs.ours.size = 0;
	CHECK_EQ_I64(wb_struct_take(&ours, sizeof ours, &theirs), WB_ERR_ARGUMENT);
}

static void gives_sized_structs(void)
{
	struct ours ours = { sizeof ours, 1, 2, 3 };
	struct newer theirs = { { sizeof theirs, 9, 9, 9 }, 9 };

	CHECK_EQ_I64(wb_struct_give(&theirs, &ours, sizeof ours), WB_OK);
	CHECK_EQ_U64(theirs.ours.size, sizeof theirs);
	CHECK(theirs.ours.a == 1 && theirs.ours.b == 2 && theirs.ours.c == 3 && theirs.d == 0);

	theirs = (struct newer){ { offsetof(struct ours, c), 9, 9, 9 }, 9 };
	CHECK_EQ_I64(wb_struct_give(&theirs, &ours, sizeof ours), WB_OK);
	CHECK_EQ_U64(theirs.ours.size, offsetof(struct ours, c));
	CHECK(theirs.ours.a == 1 && theirs.ours.b == 2 && theirs.ours.c == 9 && theirs.d == 9);

	theirs.ours.size = 1;
	CHECK_EQ_I64(wb_struct_give(&theirs, &ours, sizeof ours), WB_ERR_ARGUMENT);
}

static void names_every_error(void)
{
	for (int err = WB_ERR_CANCELLED; err <= WB_LATER; err++)
		CHECK(strcmp(wb_err_text((enum wb_err)err), "unknown error") != 0);
	CHECK_STR(wb_err_text((enum wb_err)-99), "unknown error");
}

int main(void)
{
	TEST_RUN(takes_sized_structs);
	TEST_RUN(gives_sized_structs);
	TEST_RUN(names_every_error);
	return test_summary();
}
