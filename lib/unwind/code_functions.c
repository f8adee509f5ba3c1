/* SPDX-License-Identifier: MIT */
/* Functions are found by address: by Go's tables, by symbols and call frame information, and what is between them is stepped over. */
#include "unwind/code_functions.h"

#include "base/mem.h"
#include "model/pclntab.h"
#include "model/session.h"
#include "unwind/cfi.h"
#include "unwind/function.h"
#include "unwind/go_kinds.h"
#include "unwind/go_rows.h"

enum {
	GAP_SMALL = 64,               /* bytes without a function that are stepped through one by one: padding */
	GAP_STEP = 16,                /* then by this many: compilers align functions to it */
	GAP_MAX = 1 << 20,            /* bytes without a function, after which a section is left: a damaged size can be anything */
	CHECK_EVERY = 4096,           /* steps between two questions whether to go on */
};

enum wb_err wb_code_image_open(struct wb_session *session, struct wb_image *image, struct wb_code_image *ret_code)
{
	struct wb_code_image code = { .session = session, .image = image };
	const struct wb_code_reader *reader;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &code.object);

	if (err)
		return err;
	code.arch = wb_arch_info(code.object->platform.arch);
	reader = wb_code_reader(code.object->platform.arch);
	if (!code.arch || !reader || !reader->machine)
		return WB_ERR_UNSUPPORTED;
	code.machine = reader->machine;
	err = wb_pclntab_of_image(image, &code.go);
	if (!err)
		err = wb_go_rows_of_image(image, &code.go_rows);
	if (err != WB_ERR_MEMORY)
		err = wb_cfi_of_image(image, &code.cfi);
	if (err == WB_ERR_MEMORY)
		return err;
	*ret_code = code;
	return WB_OK;
}

/* The bounds of the function that holds image_pc. */
static enum wb_err find(const struct wb_code_image *code, uint64_t image_pc, struct wb_code_function *ret)
{
	struct wb_go_function function;
	struct wb_bound bound;
	enum wb_err err = code->go ? wb_pclntab_find(code->go, image_pc, &function) : WB_NONE;

	*ret = (struct wb_code_function){ .is_go = err == WB_OK };
	if (ret->is_go) {
		enum wb_go_kind kind = wb_go_kind(code->go, &function);

		ret->start = function.start;
		ret->end = function.end;
		ret->is_switch = kind != WB_GO_PLAIN;
		return WB_OK;
	}
	err = wb_function_find(code->image, code->arch, image_pc, &bound);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	ret->start = bound.start;
	ret->end = bound.end;
	return bound.start <= image_pc && image_pc < bound.end ? WB_OK : WB_NONE;
}

static enum wb_err visit(const struct wb_code_image *code, struct wb_code_function *function, uint8_t *buffer, wb_code_function_fn fn, void *arg)
{
	uint64_t size = function->end - function->start;
	enum wb_err err;

	function->size = size < WB_CODE_FUNCTION_MAX ? (size_t)size : WB_CODE_FUNCTION_MAX;
	function->bytes = buffer;
	err = wb_image_read(code->image, function->start, buffer, function->size);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	return fn(arg, code, function);
}

/* A stretch of code. */
static enum wb_err visit_range(const struct wb_code_image *code, uint64_t start, uint64_t end, uint8_t *buffer, wb_code_function_fn fn, void *arg)
{
	uint64_t covered = start;
	uint32_t steps = 0;

	for (uint64_t pc = start; pc < end && pc - covered < GAP_MAX;) {
		struct wb_code_function function;
		enum wb_err err = find(code, pc, &function);
		uint64_t step = code->arch->call_step;

		if (err == WB_OK) {
			err = function.start < covered ? WB_OK : visit(code, &function, buffer, fn, arg);
			covered = pc = function.end;
		} else {
			pc += pc - covered < GAP_SMALL ? step : GAP_STEP;
		}
		if (err == WB_OK && ++steps % CHECK_EVERY == 0)
			err = wb_session_check(code->session, pc - start, end - start);
		if (err != WB_OK && err != WB_NONE)
			return err;
	}
	return WB_OK;
}

static enum wb_err visit_all(const struct wb_code_image *code, uint8_t *buffer, wb_code_function_fn fn, void *arg)
{
	const struct wb_object *object = code->object;
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < object->num_sections && !err; i++)
		if (object->sections[i].flags & WB_SECTION_EXEC && !(object->sections[i].flags & WB_SECTION_NOBITS))
			err = visit_range(code, object->sections[i].vaddr, object->sections[i].vaddr + object->sections[i].size, buffer, fn, arg);
	for (size_t i = 0; i < object->num_segments && !object->num_sections && !err; i++)
		if (object->segments[i].prot & WB_PROT_EXEC)
			err = visit_range(code, object->segments[i].vaddr, object->segments[i].vaddr + object->segments[i].filesz, buffer, fn, arg);
	return err;
}

enum wb_err wb_code_functions(const struct wb_code_image *code, wb_code_function_fn fn, void *arg)
{
	uint8_t *buffer = wb_mem_alloc(WB_CODE_FUNCTION_MAX);
	enum wb_err err;

	if (!buffer)
		return WB_ERR_MEMORY;
	err = visit_all(code, buffer, fn, arg);
	wb_mem_free(buffer);
	return err;
}

enum wb_err wb_code_function_at(const struct wb_code_image *code, uint64_t image_pc, wb_code_function_fn fn, void *arg)
{
	struct wb_code_function function;
	uint8_t *buffer = wb_mem_alloc(WB_CODE_FUNCTION_MAX);
	enum wb_err err;

	if (!buffer)
		return WB_ERR_MEMORY;
	err = find(code, image_pc, &function);
	if (!err)
		err = visit(code, &function, buffer, fn, arg);
	wb_mem_free(buffer);
	return err;
}
