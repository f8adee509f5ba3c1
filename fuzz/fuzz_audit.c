/* SPDX-License-Identifier: MIT */
/*
 * Objects whose code is audited. Findings are in functions, which come by address and do not overlap; what is found twice is the same; a value that is
 * looked for is what is found; calls are in their functions; and a module is text that fits.
 */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include <string.h>

struct run { uint64_t start, end, sum, value; size_t count; };

static enum wb_err see(void *arg, const struct wb_finding *finding)
{
	struct run *run = arg;

	FUZZ_ASSERT(finding->size == sizeof(*finding) && finding->kind >= WB_FINDING_FP_CLOBBERED && finding->kind <= WB_FINDING_VALUE);
	FUZZ_ASSERT(finding->start <= finding->at && finding->at < finding->end);
	FUZZ_ASSERT(!run->count || finding->start == run->start || finding->start >= run->end);
	FUZZ_ASSERT(finding->kind != WB_FINDING_VALUE || finding->value == run->value);
	FUZZ_ASSERT(finding->kind != WB_FINDING_TABLE || finding->told != finding->done);
	run->start = finding->start;
	run->end = finding->end;
	run->sum = (run->sum ^ finding->at ^ finding->value << 8 ^ (uint64_t)finding->told << 16) * UINT64_C(0x100000001b3);
	run->count++;
	return WB_OK;
}

static enum wb_err see_call(void *arg, const struct wb_code_call *call)
{
	size_t *count = arg;

	FUZZ_ASSERT(call->start <= call->at && call->at < call->next && call->next <= call->end);
	++*count;
	return WB_OK;
}

static void audit(struct wb_session *session, struct wb_image *image)
{
	struct run first = { .value = 0x30bc5b29 }, second = first, values = first;
	char module[64];
	size_t calls = 0;
	enum wb_err err = wb_audit_image(session, image, see, &first);

	FUZZ_ASSERT(wb_audit_image(session, image, see, &second) == err && first.count == second.count && first.sum == second.sum);
	if (err)
		return;
	FUZZ_ASSERT(wb_find_value(session, image, values.value, see, &values) == WB_OK);
	FUZZ_ASSERT(wb_list_calls(session, image, UINT64_MAX, see_call, &calls) == WB_OK);
	if (wb_go_module(image, "example.com/fast.F", module, sizeof(module)) == WB_OK)
		FUZZ_ASSERT(strlen(module) < sizeof(module));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_session *session = NULL;
	struct wb_image *image;

	FUZZ_ASSERT(wb_session_new(&opts, &session) == WB_OK);
	if (wb_image_open_bytes(session, "input", bytes, size, 0, NULL, NULL, &image) == WB_OK) {
		audit(session, image);
		wb_image_unref(image);
	}
	wb_session_free(session);
	return 0;
}
