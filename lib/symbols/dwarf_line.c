/* SPDX-License-Identifier: MIT */
/*
 * The line-number state machine. The file register starts at 1 in every version, as the specification says (DWARF 5, 6.2.2): some libdwarf
 * and binutils start it at 0 in version 5 and name the wrong file for what precedes the first DW_LNS_set_file.
 */
#include "symbols/dwarf_line.h"

#include "base/mem.h"
#include "symbols/dwarf_constants.h"

#include <string.h>

enum { FORMATS_MAX = 255, DIRS_MAX = 1 << 20 };

struct header {
	struct wb_unit_header unit;   /* of the table itself: version, offset and address size for forms */
	uint64_t program;             /* offset of the first opcode */
	uint64_t end;
	uint8_t min_inst_length, max_ops, line_range, opcode_base;
	int8_t line_base;
	uint8_t operand_counts[256];  /* of standard opcodes, by opcode */
	/* Of special opcodes, by opcode (6.2.5.1). A line can go down by 128 and up by 126 (line_base) + 254. */
	struct { uint8_t operations; int16_t lines; } special[256];
};

struct reader {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_root *root;
	struct wb_lines_builder *builder;
	struct wb_bytes b;            /* starts with the section, so that offsets are the section's; ends with the table */
	struct header header;
	uint64_t *dirs;               /* references */
	size_t num_dirs, dirs_capacity;
};

static enum wb_err complain(const struct reader *reader, enum wb_err err, uint64_t offset, const char *what)
{
	return wb_diag_report(reader->sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED,
	                      reader->sections->path, ".debug_line", offset, "%s", what);
}

/* ---- The header (6.2.4) ----------------------------------------------------------------------------------------------- */

/* Length and version; narrows the reader to the table. */
static enum wb_err read_extent(struct reader *reader, uint64_t offset)
{
	struct header *header = &reader->header;
	struct wb_bytes *b = &reader->b;
	uint64_t length;

	header->unit.offset_size = 4;
	if (!wb_bytes_seek(b, offset))
		return complain(reader, WB_ERR_DATA, offset, "no line table at this offset");
	length = wb_bytes_u32(b);
	if (length == UINT32_MAX) {
		length = wb_bytes_u64(b);
		header->unit.offset_size = 8;
	} else if (length >= 0xfffffff0) {
		wb_bytes_fail(b);
	}
	if (wb_bytes_failed(b) || length > wb_bytes_left(b))
		return complain(reader, WB_ERR_DATA, offset, "line table goes past the end of the section");
	b->end = b->at + length;
	header->end = wb_bytes_offset(b) + length;
	header->unit.version = wb_bytes_u16(b);
	if (wb_bytes_failed(b) || header->unit.version < 2 || header->unit.version > 5)
		return complain(reader, WB_ERR_UNSUPPORTED, offset, "line table of an unknown version");
	return WB_OK;
}

static enum wb_err read_header(struct reader *reader, uint64_t offset, uint8_t unit_address_size)
{
	struct header *header = &reader->header;
	struct wb_bytes *b = &reader->b;
	uint8_t segment_size = 0;
	uint64_t header_length;

	header->unit.address_size = unit_address_size;
	if (header->unit.version >= 5) {
		header->unit.address_size = wb_bytes_u8(b);
		segment_size = wb_bytes_u8(b);
	}
	header_length = wb_bytes_uint(b, header->unit.offset_size);
	if (wb_bytes_failed(b) || header_length > wb_bytes_left(b))
		return complain(reader, WB_ERR_DATA, offset, "line table's header goes past its end");
	header->program = wb_bytes_offset(b) + header_length;
	header->min_inst_length = wb_bytes_u8(b);
	header->max_ops = header->unit.version >= 4 ? wb_bytes_u8(b) : 1;
	(void)wb_bytes_u8(b); /* default_is_stmt */
	header->line_base = (int8_t)wb_bytes_u8(b);
	header->line_range = wb_bytes_u8(b);
	header->opcode_base = wb_bytes_u8(b);
	for (unsigned i = 1; i < header->opcode_base; i++)
		header->operand_counts[i] = wb_bytes_u8(b);
	if (header->max_ops == 0)
		header->max_ops = 1; /* as written by some assemblers that mean "no VLIW" */
	if (wb_bytes_failed(b) || header->opcode_base == 0 || header->line_range == 0)
		return complain(reader, WB_ERR_DATA, offset, "line table's header makes no sense");
	if (segment_size != 0 || (header->unit.address_size != 4 && header->unit.address_size != 8))
		return complain(reader, WB_ERR_UNSUPPORTED, offset, "line table with segments, or addresses of an odd size");
	return WB_OK;
}

static enum wb_err add_dir(struct reader *reader, uint64_t dir)
{
	if (reader->num_dirs == DIRS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&reader->dirs, &reader->dirs_capacity, reader->num_dirs, 1, sizeof *reader->dirs))
		return WB_ERR_MEMORY;
	reader->dirs[reader->num_dirs++] = dir;
	return WB_OK;
}

/* Folder 0 is the unit's own: paths need no part for it. */
static enum wb_err add_file(struct reader *reader, uint64_t name, uint64_t dir_index)
{
	uint64_t dir = dir_index > 0 && dir_index < reader->num_dirs ? reader->dirs[dir_index] : WB_REF_NONE;

	return wb_lines_add_file(reader->builder, name, dir);
}

/* A file of versions 2 to 4, and of DW_LNE_define_file; the name was read. */
static enum wb_err add_file_4(struct reader *reader, uint64_t name)
{
	uint64_t dir_index = wb_bytes_uleb(&reader->b);

	(void)wb_bytes_uleb(&reader->b); /* time of last change */
	(void)wb_bytes_uleb(&reader->b); /* length */
	return add_file(reader, name, dir_index);
}

/* A string in place; WB_REF_NONE: an empty one, which ends a list, or none. */
static uint64_t read_string(struct reader *reader)
{
	uint64_t at = wb_bytes_offset(&reader->b);
	const char *text = wb_bytes_string(&reader->b);

	return text && text[0] != '\0' ? wb_ref_at(reader->sections, WB_DWARF_LINE, at) : WB_REF_NONE;
}

/* DWARF 4, 6.2.4, items 11 and 12: lists that an empty string ends. Files count from 1. */
static enum wb_err read_files_4(struct reader *reader)
{
	uint64_t name;
	enum wb_err err;

	reader->builder->folder = reader->root ? wb_ref_of(reader->sections, reader->root->comp_dir) : WB_REF_NONE;
	err = add_dir(reader, WB_REF_NONE);
	while (!err && (name = read_string(reader)) != WB_REF_NONE)
		err = add_dir(reader, name);
	if (!err)
		err = wb_lines_add_file(reader->builder, WB_REF_NONE, WB_REF_NONE);
	while (!err && (name = read_string(reader)) != WB_REF_NONE)
		err = add_file_4(reader, name);
	return err;
}

/* ---- Folders and files of version 5 (6.2.4, items 13 to 20) --------------------------------------------------------------- */

struct formats {
	unsigned count;
	uint16_t content[FORMATS_MAX], form[FORMATS_MAX];
};
struct entry { uint64_t path, dir_index; }; /* path: a reference */

/* A form that takes no bytes is refused: entries of many such would cost more than their bytes. */
static bool read_formats(struct wb_bytes *b, struct formats *formats)
{
	formats->count = wb_bytes_u8(b);
	for (unsigned i = 0; i < formats->count; i++) {
		uint64_t content = wb_bytes_uleb(b), form = wb_bytes_uleb(b);

		formats->content[i] = content < UINT16_MAX ? (uint16_t)content : UINT16_MAX;
		formats->form[i] = form < UINT16_MAX ? (uint16_t)form : UINT16_MAX;
		if (form == WB_FORM_FLAG_PRESENT || form == WB_FORM_IMPLICIT_CONST)
			return false;
	}
	return true;
}

static uint64_t entry_string(struct reader *reader, const struct wb_form_value *value)
{
	static const struct wb_unit_root no_root = { .str_offsets_base = UINT64_MAX };

	if (value->class == WB_FORM_CLASS_STRING)
		return wb_ref_at(reader->sections, WB_DWARF_LINE, value->value);
	return wb_ref_of_value(reader->sections, &reader->header.unit, reader->root ? reader->root : &no_root, value);
}

static bool read_entry(struct reader *reader, const struct formats *formats, struct entry *entry)
{
	*entry = (struct entry){ .path = WB_REF_NONE };
	for (unsigned i = 0; i < formats->count; i++) {
		struct wb_form_value value = { WB_FORM_CLASS_NONE, 0 };

		if (!wb_form_read(&reader->b, &reader->header.unit, formats->form[i], 0, &value) || wb_bytes_failed(&reader->b))
			return false;
		if (formats->content[i] == WB_LNCT_PATH)
			entry->path = entry_string(reader, &value);
		else if (formats->content[i] == WB_LNCT_DIRECTORY_INDEX)
			entry->dir_index = value.value;
	}
	return true;
}

/* The unit's folder: its DW_AT_comp_dir and folder 0 say the same thing, but either may be missing, or be relative to the other, often as ".". */
static void set_folder(struct reader *reader, uint64_t dir_ref)
{
	const char *comp_dir = reader->root ? reader->root->comp_dir : NULL, *dir = wb_ref_text(reader->sections, dir_ref);
	uint64_t unit_dir = wb_ref_of(reader->sections, comp_dir);

	if (dir && comp_dir && strcmp(dir, ".") == 0)
		dir = NULL;
	reader->builder->folder = dir ? dir_ref : unit_dir;
	reader->builder->root = dir && comp_dir && strcmp(dir, comp_dir) != 0 ? unit_dir : WB_REF_NONE;
}

static enum wb_err read_list_5(struct reader *reader, bool is_dirs)
{
	struct formats formats;
	struct entry entry;
	uint64_t count;

	if (!read_formats(&reader->b, &formats))
		return WB_ERR_DATA;
	count = wb_bytes_uleb(&reader->b);
	/* An entry takes a byte at least: its path is a string or a reference to one. */
	if (wb_bytes_failed(&reader->b) || count > wb_bytes_left(&reader->b))
		return WB_ERR_DATA;
	for (uint64_t i = 0; i < count; i++) {
		enum wb_err err;

		if (!read_entry(reader, &formats, &entry))
			return WB_ERR_DATA;
		if (is_dirs && i == 0)
			set_folder(reader, entry.path);
		if (is_dirs)
			err = add_dir(reader, entry.path);
		else
			err = add_file(reader, entry.path, entry.dir_index);
		if (err)
			return err;
	}
	return WB_OK;
}

static enum wb_err read_files(struct reader *reader)
{
	enum wb_err err;

	if (reader->header.unit.version < 5) {
		err = read_files_4(reader);
	} else {
		set_folder(reader, WB_REF_NONE);
		err = read_list_5(reader, true);
		if (!err)
			err = read_list_5(reader, false);
	}
	if (!err && wb_bytes_failed(&reader->b))
		err = WB_ERR_DATA;
	if (err == WB_ERR_DATA || err == WB_ERR_LIMIT)
		return complain(reader, WB_ERR_DATA, reader->header.program, "line table's list of files is malformed");
	return err;
}

/* ---- The program (6.2.5) ----------------------------------------------------------------------------------------------------- */

struct state { /* 6.2.2 */
	uint64_t address, file, line, column;
	uint64_t op_index;
	uint64_t live;                /* while is_dead: the address before */
	bool is_dead;                 /* rows are of discarded code until the next address */
};
static const struct state initial = { .file = 1, .line = 1 };

/* 6.2.5.1: an operation advance, in instructions of min_inst_length bytes, or in operations of VLIW bundles. */
static void advance(struct state *state, const struct header *header, uint64_t operations)
{
	if (header->max_ops == 1) {
		state->address += header->min_inst_length * operations;
		return;
	}
	operations += state->op_index;
	state->address += header->min_inst_length * (operations / header->max_ops);
	state->op_index = operations % header->max_ops;
}

static void make_special(struct header *header)
{
	for (unsigned opcode = header->opcode_base; opcode < 256; opcode++) {
		unsigned adjusted = opcode - header->opcode_base;

		header->special[opcode].operations = (uint8_t)(adjusted / header->line_range);
		header->special[opcode].lines = (int16_t)(header->line_base + (int)(adjusted % header->line_range));
	}
}

static enum wb_err emit_row(struct reader *reader, const struct state *state)
{
	if (state->is_dead)
		return WB_OK;
	return wb_lines_add_row(reader->builder, state->address, state->file, state->line, state->column);
}

/* Addresses of a sequence only increase (6.2.5). One that does not, as -1 and -2, is what a linker left for code that it discarded, maybe out of
 * the middle. */
static void set_address(struct state *state, uint64_t address, unsigned size)
{
	uint64_t last = state->is_dead ? state->live : state->address;

	state->is_dead = address < last || address >= (size == 8 ? UINT64_MAX : UINT32_MAX) - 1;
	state->live = last;
	state->address = address;
	state->op_index = 0;
}

/* 6.2.5.3. The length tells where the opcode ends, whatever it is. */
static enum wb_err run_extended(struct reader *reader, struct state *state)
{
	struct wb_bytes *b = &reader->b;
	uint64_t size = wb_bytes_uleb(b), next = wb_bytes_offset(b) + size;
	enum wb_err err = WB_OK;
	uint8_t opcode;

	if (wb_bytes_failed(b) || size > wb_bytes_left(b))
		return WB_ERR_DATA;
	if (size == 0)
		return WB_OK;
	opcode = wb_bytes_u8(b);
	if (opcode == WB_LNE_END_SEQUENCE) {
		err = wb_lines_end_sequence(reader->builder, state->is_dead ? state->live : state->address);
		*state = initial;
	} else if (opcode == WB_LNE_SET_ADDRESS) {
		if (size - 1 != 4 && size - 1 != 8)
			return WB_ERR_DATA;
		set_address(state, wb_bytes_uint(b, (unsigned)(size - 1)), (unsigned)(size - 1));
	} else if (opcode == WB_LNE_DEFINE_FILE) {
		err = add_file_4(reader, read_string(reader));
		if (!err && wb_bytes_failed(b))
			err = WB_ERR_DATA;
	}
	if (!err && !wb_bytes_seek(b, next))
		return WB_ERR_DATA;
	return err;
}

/* 6.2.5.2; opcodes that this code does not know have LEB128 operands, as many as the header says. */
static enum wb_err run_standard(struct reader *reader, struct state *state, uint8_t opcode)
{
	const struct header *header = &reader->header;
	struct wb_bytes *b = &reader->b;

	switch ((enum wb_dw_lns)opcode) {
	case WB_LNS_COPY: return emit_row(reader, state);
	case WB_LNS_ADVANCE_PC: advance(state, header, wb_bytes_uleb_2(b)); return WB_OK;
	case WB_LNS_ADVANCE_LINE: state->line += (uint64_t)wb_bytes_sleb_2(b); return WB_OK;
	case WB_LNS_SET_FILE: state->file = wb_bytes_uleb(b); return WB_OK;
	case WB_LNS_SET_COLUMN: state->column = wb_bytes_uleb(b); return WB_OK;
	case WB_LNS_CONST_ADD_PC: advance(state, header, (255u - header->opcode_base) / header->line_range); return WB_OK;
	case WB_LNS_FIXED_ADVANCE_PC:
		state->address += wb_bytes_u16(b);
		state->op_index = 0;
		return WB_OK;
	case WB_LNS_NEGATE_STMT:
	case WB_LNS_SET_BASIC_BLOCK:
	case WB_LNS_SET_PROLOGUE_END:
	case WB_LNS_SET_EPILOGUE_BEGIN: return WB_OK;
	case WB_LNS_SET_ISA: (void)wb_bytes_uleb(b); return WB_OK;
	}
	for (unsigned i = 0; i < header->operand_counts[opcode]; i++)
		(void)wb_bytes_uleb(b);
	return WB_OK;
}

static enum wb_err run(struct reader *reader)
{
	const struct header *header = &reader->header;
	struct state state = initial;
	struct wb_bytes *b = &reader->b;
	enum wb_err err = WB_OK;

	/* Each opcode takes a byte at least. */
	while (!err && !wb_bytes_at_end(b)) {
		uint8_t opcode = wb_bytes_u8(b);

		/* What comes before most rows, in this order: the processor foresees these better than jumps from one place to all opcodes. */
		if (opcode == WB_LNS_SET_COLUMN && opcode < header->opcode_base) {
			state.column = wb_bytes_uleb_2(b);
			if (wb_bytes_at_end(b))
				break;
			opcode = wb_bytes_u8(b);
		}
		if (opcode == WB_LNS_NEGATE_STMT && opcode < header->opcode_base) {
			if (wb_bytes_at_end(b))
				break;
			opcode = wb_bytes_u8(b);
		}
		if (opcode >= header->opcode_base) { /* 6.2.5.1 */
			advance(&state, header, header->special[opcode].operations);
			state.line += (uint64_t)(int64_t)header->special[opcode].lines;
			err = emit_row(reader, &state);
		} else if (opcode == 0) {
			err = run_extended(reader, &state);
		} else {
			err = run_standard(reader, &state, opcode);
		}
	}
	return !err && wb_bytes_failed(b) ? WB_ERR_DATA : err;
}

enum wb_err wb_dwarf_line_read(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                               uint64_t offset, struct wb_lines_builder *builder, uint64_t *ret_end)
{
	struct reader reader = { .sections = sections, .root = root, .builder = builder, .b = wb_dwarf_bytes(sections, WB_DWARF_LINE) };
	enum wb_err err = wb_dwarf_need(sections, WB_DWARF_LINE, UINT64_MAX);

	if (!err)
		err = read_extent(&reader, offset);
	if (ret_end)
		*ret_end = reader.header.end > offset ? reader.header.end : UINT64_MAX;
	if (!err)
		err = read_header(&reader, offset, unit ? unit->address_size : sections->address_size);
	if (!err)
		err = read_files(&reader);
	if (!err) {
		uint64_t left_at;

		make_special(&reader.header);
		wb_bytes_seek(&reader.b, reader.header.program);
		err = run(&reader);
		left_at = wb_bytes_offset(&reader.b);
		if (err == WB_ERR_DATA)
			complain(&reader, err, left_at, "line program is malformed");
	}
	wb_mem_free(reader.dirs);
	return err;
}
