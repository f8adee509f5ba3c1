/* SPDX-License-Identifier: MIT */
/* An object made of what a caller says about generated code. Image pcs are addresses of the process. */
#include "model/code_object.h"

#include "base/mem.h"

#include <string.h>

struct code_object {
	struct wb_object object;      /* first: the contract's pointer is ours */
	struct wb_segment segment;
	struct wb_section sections[2];
	struct wb_symbol symbol;      /* name NULL: none */
	char *name;
};

static bool never(const uint8_t *bytes, size_t size)
{
	(void)bytes;
	(void)size;
	return false;
}

static void close_code(struct wb_object *object)
{
	struct code_object *code = (struct code_object *)object;

	wb_file_free(object->file);
	wb_mem_free(code->name);
	wb_mem_free(code);
}

static enum wb_err read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	const struct wb_section *section = &object->sections[index];

	return wb_file_piece(object->file, section->offset, section->file_size, ret_piece);
}

static enum wb_err list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct code_object *code = (struct code_object *)object;

	return code->name ? fn(arg, &code->symbol) : WB_OK;
}

static enum wb_err refuse_file(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	(void)diags;
	(void)path;
	(void)flags;
	(void)ret_object;
	wb_file_free(file);
	return WB_ERR_UNSUPPORTED;
}

/* Not in the table of formats: no file is of it. */
static const struct wb_image_format code_format = {
	.name = "code",
	.probe = never,
	.open = refuse_file,
	.close = close_code,
	.read_section = read_section,
	.list_symbols = list_symbols,
};

/* The code's bytes and then its .eh_frame, in one buffer. */
static enum wb_err make_file(const struct wb_code *code, size_t code_size, struct wb_file **ret_file)
{
	size_t size;
	uint8_t *bytes;

	if (!wb_size_add(code_size, code->eh_frame_size, &size))
		return WB_ERR_LIMIT;
	bytes = wb_mem_alloc(size);
	if (!bytes)
		return WB_ERR_MEMORY;
	if (code_size)
		memcpy(bytes, code->code, code_size);
	if (code->eh_frame_size)
		memcpy(bytes + code_size, code->eh_frame, code->eh_frame_size);
	return wb_file_of_bytes(bytes, size, wb_mem_free, bytes, ret_file);
}

static void describe(struct code_object *object, const struct wb_code *code, size_t code_size)
{
	size_t count = 0;

	object->segment = (struct wb_segment){ .vaddr = code->start, .memsz = code->end - code->start, .filesz = code_size, .prot = WB_PROT_READ | WB_PROT_EXEC };
	object->symbol = (struct wb_symbol){ .name = object->name, .value = code->start, .size = code->end - code->start,
	                                     .type = WB_SYMBOL_FUNCTION, .binding = WB_BINDING_GLOBAL, .table = WB_SYMBOLS_TEXT,
	                                     .executable = 1 };
	if (code_size)
		object->sections[count++] = (struct wb_section){ ".text", code->start, 0, code_size, code_size, WB_SECTION_ALLOC | WB_SECTION_EXEC };
	if (code->eh_frame_size)
		object->sections[count++] = (struct wb_section){ ".eh_frame", code->eh_frame_address, code_size, code->eh_frame_size,
		                                                 code->eh_frame_size, WB_SECTION_ALLOC };
	object->object.segments = &object->segment;
	object->object.num_segments = 1;
	object->object.sections = object->sections;
	object->object.num_sections = count;
}

enum wb_err wb_code_object_new(struct wb_diags *diags, const struct wb_platform *platform, const struct wb_code *code,
                               struct wb_object **ret_object)
{
	size_t code_size = code->code ? (size_t)(code->end - code->start) : 0;
	struct code_object *object = wb_mem_zalloc(1, sizeof(*object));
	enum wb_err err;

	if (!object)
		return WB_ERR_MEMORY;
	object->object.format = &code_format;
	object->object.diags = diags;
	object->object.path = "";
	object->object.platform = *platform;
	object->object.absolute = true;
	err = make_file(code, code_size, &object->object.file);
	if (!err && code->name) {
		object->name = wb_mem_strdup(code->name);
		err = object->name ? WB_OK : WB_ERR_MEMORY;
	}
	if (err) {
		close_code(&object->object);
		return err;
	}
	describe(object, code, code_size);
	*ret_object = &object->object;
	return WB_OK;
}
