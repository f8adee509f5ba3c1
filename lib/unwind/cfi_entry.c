/* SPDX-License-Identifier: MIT */
/* Reading CIEs and FDEs: lengths, augmentations, encoded addresses. DWARF 5, 6.4.1 and 7.24; LSB 5.0 Core, 10.5 and 10.6. */
#include "unwind/cfi.h"

#include <string.h>

enum {
	/* DW_EH_PE: low four bits, the format; next three, what the value counts from; the top bit, indirect. */
	PE_absptr = 0x00, PE_uleb128 = 0x01, PE_udata2 = 0x02, PE_udata4 = 0x03, PE_udata8 = 0x04, PE_signed = 0x08, PE_sleb128 = 0x09,
	PE_sdata2 = 0x0a, PE_sdata4 = 0x0b, PE_sdata8 = 0x0c,
	PE_pcrel = 0x10, PE_textrel = 0x20, PE_datarel = 0x30, PE_funcrel = 0x40, PE_aligned = 0x50,
	PE_format = 0x0f, PE_base = 0x70, PE_indirect = 0x80, PE_omit = 0xff,
	SEGMENT_SIZE_MAX = 8,
	AUGMENTATION_MAX = 64,        /* bytes of the string: known ones have six. Its end may be looked for once for every FDE */
};

static uint64_t pointer_value(struct wb_bytes *bytes, uint8_t format, uint8_t address_size)
{
	switch (format) {
	case PE_absptr: return wb_bytes_uint(bytes, address_size);
	case PE_uleb128: return wb_bytes_uleb(bytes);
	case PE_udata2: return wb_bytes_u16(bytes);
	case PE_udata4: return wb_bytes_u32(bytes);
	case PE_udata8: return wb_bytes_u64(bytes);
	case PE_signed: return (uint64_t)wb_bytes_sint(bytes, address_size);
	case PE_sleb128: return (uint64_t)wb_bytes_sleb(bytes);
	case PE_sdata2: return (uint64_t)wb_bytes_sint(bytes, 2);
	case PE_sdata4: return (uint64_t)wb_bytes_sint(bytes, 4);
	case PE_sdata8: return wb_bytes_u64(bytes);
	default: wb_bytes_fail(bytes); return 0;
	}
}

uint64_t wb_cfi_pointer(const struct wb_cfi_section *section, struct wb_bytes *bytes, uint8_t encoding, uint8_t address_size)
{
	uint64_t at, value;

	if (encoding == PE_omit)
		return 0;
	if ((encoding & PE_base) == PE_aligned) {
		size_t misaligned = (section->vaddr + wb_bytes_offset(bytes)) % address_size;

		wb_bytes_skip(bytes, misaligned ? address_size - misaligned : 0);
		return wb_bytes_uint(bytes, address_size);
	}
	at = section->vaddr + wb_bytes_offset(bytes);
	value = pointer_value(bytes, encoding & PE_format, address_size);
	switch (encoding & PE_base) {
	case 0: break;
	case PE_pcrel: value += at; break;
	case PE_textrel: value += section->text_base; break;
	case PE_datarel: value += section->data_base; break;
	default: wb_bytes_fail(bytes); break; /* funcrel: only in LSDAs */
	}
	/* An indirect address would have to be read from the loaded process; no producer writes FDE addresses so. */
	if (encoding & PE_indirect)
		wb_bytes_fail(bytes);
	return address_size == 4 ? (uint32_t)value : value;
}

/* The header of an entry: its end, and the offset or id behind the length. */
struct header {
	uint64_t id_offset;           /* where the CIE pointer stands */
	uint64_t id;
	uint64_t end;                 /* offset behind the entry; the section's size if its length is not sound */
	bool is_64;
	bool is_cie;
};

static enum wb_err read_header(const struct wb_cfi_section *section, uint64_t offset, struct wb_bytes *in, struct header *ret, const char **ret_fault)
{
	uint64_t length;

	ret->end = section->size;
	*ret_fault = "entry's length goes past the section's end";
	*in = wb_bytes_of(section->bytes, section->size, section->big_endian);
	wb_bytes_seek(in, offset);
	length = wb_bytes_u32(in);
	ret->is_64 = length == UINT32_MAX;
	if (ret->is_64)
		length = wb_bytes_u64(in);
	if (wb_bytes_failed(in) || length > wb_bytes_left(in))
		return WB_ERR_DATA;
	ret->end = wb_bytes_offset(in) + length;
	if (!length)
		return WB_NONE;
	ret->id_offset = wb_bytes_offset(in);
	/* In .eh_frame the CIE pointer has 4 bytes also behind an extended length (LSB 5.0 Core, 10.6.1). */
	if (section->kind == WB_CFI_EH_FRAME) {
		ret->id = wb_bytes_u32(in);
		ret->is_cie = ret->id == 0;
	} else {
		ret->id = ret->is_64 ? wb_bytes_u64(in) : wb_bytes_u32(in);
		ret->is_cie = ret->id == (ret->is_64 ? UINT64_MAX : UINT32_MAX);
	}
	in->end = in->start + ret->end;
	*ret_fault = "entry is cut short";
	return in->failed || in->at > in->end ? WB_ERR_DATA : WB_OK;
}

/* One letter of an augmentation string and its data. False: an unknown letter, whose data cannot be told from what follows. */
static bool read_augmentation_letter(const struct wb_cfi_section *section, struct wb_bytes *data, char letter, struct wb_cie *cie)
{
	uint8_t encoding;

	switch (letter) {
	case 'R':
		cie->fde_encoding = wb_bytes_u8(data);
		return true;
	case 'P':
		/* Skipped; that it may be indirect does not matter here. */
		encoding = wb_bytes_u8(data);
		wb_cfi_pointer(section, data, encoding == PE_omit ? encoding : encoding & (uint8_t)~PE_indirect, cie->address_size);
		return true;
	case 'L':
		wb_bytes_u8(data);
		return true;
	case 'S':
		cie->signal_frame = true;
		return true;
	case 'B': /* aarch64: return addresses are signed with key B */
	case 'G': /* aarch64: the frame is tagged */
		return true;
	default:
		return false;
	}
}

/* The augmentation data of a CIE by its string. False: not understood. */
static bool read_augmentation(const struct wb_cfi_section *section, struct wb_bytes *in, const char *string, struct wb_cie *cie)
{
	struct wb_bytes data;
	uint64_t size;

	if (!*string)
		return true;
	if (*string++ != 'z')
		return false;
	cie->has_augmentation_size = true;
	size = wb_bytes_uleb(in);
	data = *in;
	if (!wb_bytes_skip(in, size))
		return false;
	data.end = in->at;
	/* The string's length is bounded by the section; what follows an unknown letter is skipped by its size. */
	while (*string && read_augmentation_letter(section, &data, *string, cie))
		string++;
	return !data.failed;
}

static enum wb_err read_cie(const struct wb_cfi_section *section, uint64_t offset, struct wb_cie *ret_cie, const char **ret_fault)
{
	struct wb_cie cie = { .offset = offset, .address_size = section->address_size };
	const char *augmentation;
	struct header header;
	struct wb_bytes in, string;
	uint8_t version;

	if (read_header(section, offset, &in, &header, ret_fault) != WB_OK || !header.is_cie) {
		*ret_fault = "FDE does not point to a CIE";
		return WB_ERR_DATA;
	}
	*ret_fault = "CIE is malformed";
	version = wb_bytes_u8(&in);
	string = in;
	if (wb_bytes_left(&string) > AUGMENTATION_MAX)
		string.end = string.at + AUGMENTATION_MAX;
	augmentation = wb_bytes_string(&string);
	if (!augmentation)
		return WB_ERR_DATA;
	in.at = string.at;
	if (version != 1 && version != 3 && version != 4) {
		*ret_fault = "CIE has an unknown version";
		return WB_ERR_UNSUPPORTED;
	}
	if (version == 4) {
		cie.address_size = wb_bytes_u8(&in);
		cie.segment_size = wb_bytes_u8(&in);
	}
	/* GCC 2's "eh" has a pointer here. */
	if (!strcmp(augmentation, "eh")) {
		wb_bytes_skip(&in, cie.address_size);
		augmentation = "";
	}
	cie.code_align = wb_bytes_uleb(&in);
	cie.data_align = wb_bytes_sleb(&in);
	cie.ra_column = version == 1 ? wb_bytes_u8(&in) : wb_bytes_uleb(&in);
	if (in.failed || (cie.address_size != 4 && cie.address_size != 8) || cie.segment_size > SEGMENT_SIZE_MAX)
		return WB_ERR_DATA;
	if (!read_augmentation(section, &in, augmentation, &cie)) {
		*ret_fault = "CIE has an unknown augmentation";
		return WB_ERR_UNSUPPORTED;
	}
	cie.program = in;
	*ret_cie = cie;
	return WB_OK;
}

static enum wb_err find_cie(const struct wb_cfi_section *section, const struct header *header, struct wb_cie *cache, const char **ret_fault)
{
	uint64_t offset = section->kind == WB_CFI_EH_FRAME ? header->id_offset - header->id : header->id;

	if (offset >= section->size) {
		*ret_fault = "FDE points to a CIE outside the section";
		return WB_ERR_DATA;
	}
	if (offset == cache->offset)
		return WB_OK;
	return read_cie(section, offset, cache, ret_fault);
}

enum wb_err wb_cfi_read_fde(const struct wb_cfi_section *section, uint64_t offset, struct wb_cie *cie_cache, struct wb_fde *ret_fde,
                            uint64_t *ret_next, const char **ret_fault)
{
	struct wb_fde fde = { .offset = offset };
	struct header header;
	struct wb_bytes in;
	uint64_t range;
	enum wb_err err;

	err = read_header(section, offset, &in, &header, ret_fault);
	*ret_next = header.end;
	if (err < 0)
		return err;
	if (err || header.is_cie)
		return WB_NONE;
	err = find_cie(section, &header, cie_cache, ret_fault);
	if (err)
		return err;
	fde.cie = *cie_cache;
	wb_bytes_skip(&in, fde.cie.segment_size);
	fde.start = wb_cfi_pointer(section, &in, fde.cie.fde_encoding, fde.cie.address_size);
	range = wb_cfi_pointer(section, &in, fde.cie.fde_encoding & PE_format, fde.cie.address_size);
	if (fde.cie.has_augmentation_size)
		wb_bytes_skip(&in, wb_bytes_uleb(&in));
	if (in.failed) {
		*ret_fault = "FDE is malformed";
		return WB_ERR_DATA;
	}
	/* The tombstone of a dropped function, -1, covers nothing. */
	fde.end = range <= UINT64_MAX - fde.start ? fde.start + range : fde.start;
	fde.program = in;
	*ret_fde = fde;
	return WB_OK;
}
