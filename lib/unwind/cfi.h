/* SPDX-License-Identifier: MIT */
/*
 * DWARF call frame information of an image: .eh_frame (with or without its search table .eh_frame_hdr) and .debug_frame, translated into
 * rows. DWARF 5, 6.4 and 7.24; LSB 5.0 Core, 10.6. An FDE is compiled once, on first need; a damaged one costs no other.
 */
#ifndef UNWIND_CFI_H
#define UNWIND_CFI_H

#include "base/bytes.h"
#include "model/image.h"
#include "model/row.h"

enum wb_cfi_kind { WB_CFI_EH_FRAME = 0, WB_CFI_DEBUG_FRAME = 1, WB_CFI_KINDS = 2 };

/* A section's bytes and what pointers in it count from. */
struct wb_cfi_section {
	enum wb_cfi_kind kind;
	const uint8_t *bytes;
	size_t size;
	uint64_t vaddr;               /* image pc of bytes[0] */
	uint64_t text_base, data_base;/* DW_EH_PE_textrel, DW_EH_PE_datarel */
	uint8_t address_size;         /* 4 or 8 */
	bool big_endian;
};

struct wb_cie {
	uint64_t offset;              /* in the section; identifies it */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_column;           /* DWARF number */
	uint8_t fde_encoding;         /* DW_EH_PE of FDE addresses */
	uint8_t address_size, segment_size;
	bool has_augmentation_size;   /* 'z' */
	bool signal_frame;            /* 'S' */
	struct wb_bytes program;      /* initial instructions; its start is the section's */
};

struct wb_fde {
	uint64_t offset;              /* in the section */
	uint64_t start, end;          /* image pcs */
	struct wb_cie cie;
	struct wb_bytes program;      /* its start is the section's */
};

/* The entry (CIE or FDE) at offset. *ret_next is the offset of the one after it, also on WB_ERR_DATA if its length is sound, else the section's
 * size. WB_NONE: a CIE, or a terminator. cie_cache holds the CIE read last: reuse it between calls (zeroed with offset UINT64_MAX at first). */
enum wb_err wb_cfi_read_fde(const struct wb_cfi_section *section, uint64_t offset, struct wb_cie *cie_cache, struct wb_fde *ret_fde,
                            uint64_t *ret_next, const char **ret_fault);
/* An address in an encoding (DW_EH_PE), LSB 5.0 Core 10.5.1; the reader's start is the section's. */
uint64_t wb_cfi_pointer(const struct wb_cfi_section *section, struct wb_bytes *bytes, uint8_t encoding, uint8_t address_size);

/* Runs an FDE's program into a new row table (freed with wb_mem_free), whose size goes to *ret_size. WB_ERR_DATA, WB_ERR_UNSUPPORTED, WB_ERR_MEMORY. */
enum wb_err wb_cfi_compile(const struct wb_cfi_section *section, const struct wb_fde *fde, const struct wb_arch_info *arch,
                           struct wb_row_table **ret_table, size_t *ret_size, const char **ret_fault);

struct wb_cfi;
/* The image's, made on first need; NULL if it has no call frame information. */
enum wb_err wb_cfi_of_image(struct wb_image *image, struct wb_cfi **ret_cfi);
/* The rows of the function at image_pc. WB_NONE: no FDE covers it. WB_ERR_DATA: its FDE is broken. When the session's budget does not let the
 * table be kept, *ret_loose is the same table and the caller frees it with wb_mem_free; else NULL. */
enum wb_err wb_cfi_find(struct wb_cfi *cfi, uint64_t image_pc, const struct wb_row_table **ret_table, struct wb_row_table **ret_loose);

/* The row of a table for an image pc inside it. */
static inline const struct wb_row *wb_row_table_find(const struct wb_row_table *table, uint64_t image_pc)
{
	const uint32_t *offsets = wb_row_table_offsets(table);
	uint32_t offset = (uint32_t)(image_pc - table->start), low = 0, left = table->num_rows;

	/* The last row that starts at or before offset; offsets[0] is 0. */
	while (left > 1) {
		uint32_t half = left / 2;

		low = offsets[low + half] <= offset ? low + half : low;
		left -= half;
	}
	return wb_row_table_rows(table) + low;
}

#endif
