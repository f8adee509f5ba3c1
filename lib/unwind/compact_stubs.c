/* SPDX-License-Identifier: MIT */
/*
 * Stubs of Mach-O images: what the linker makes to call functions of other libraries, without unwind information. A stub jumps through a pointer and
 * leaves the stack alone; a stub helper, which binds that pointer at first use, pushes a few words for the dynamic linker.
 */
#include "unwind/compact.h"

#include <string.h>

enum {
	X86_64_HEADER_SIZE = 16, X86_64_HEADER_PUSHED = 9, X86_64_HELPER_SIZE = 10, X86_64_HELPER_PUSHED = 5,
	ARM64_HEADER_SIZE = 24, ARM64_HEADER_PUSHED = 12,
};

/* lea ...(%rip), %r11; push %r11; jmp *...(%rip); nop. Entered from a helper: push $number; jmp to it. */
static const uint8_t x86_64_header[] = { 0x4c, 0x8d, 0x1d };
/* adrp x17; add x17, x17; then stp x16, x17, [sp, #-16]!, and on through x16. Its helpers touch x16 alone. */
static const uint8_t arm64_push[] = { 0xf0, 0x47, 0xbf, 0xa9 };

static bool section_at(struct wb_image *image, const char *name, uint64_t image_pc, const struct wb_section **ret_section)
{
	struct wb_object *object;
	size_t index;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &object) || wb_object_find_section(object, name, &index))
		return false;
	*ret_section = &object->sections[index];
	return image_pc >= (*ret_section)->vaddr && image_pc - (*ret_section)->vaddr < (*ret_section)->size;
}

static bool has_bytes(struct wb_image *image, uint64_t image_pc, const uint8_t *bytes, size_t size)
{
	uint8_t had[8];

	return wb_image_read(image, image_pc, had, size) == WB_OK && !memcmp(had, bytes, size);
}

/* Bytes that are on the stack at a place in the stub helpers, besides the return address. False: they are none that are known. */
static bool helper_pushed(struct wb_image *image, const struct wb_arch_info *arch, uint64_t start, uint64_t at, int32_t *ret_pushed)
{
	if (arch->arch == WB_ARCH_X86_64 && has_bytes(image, start, x86_64_header, sizeof(x86_64_header))) {
		if (at < X86_64_HEADER_SIZE)
			*ret_pushed = at < X86_64_HEADER_PUSHED ? 8 : 16;
		else
			*ret_pushed = (at - X86_64_HEADER_SIZE) % X86_64_HELPER_SIZE < X86_64_HELPER_PUSHED ? 0 : 8;
		return true;
	}
	if (arch->arch == WB_ARCH_AARCH64 && has_bytes(image, start + ARM64_HEADER_PUSHED - 4, arm64_push, sizeof(arm64_push))) {
		*ret_pushed = at >= ARM64_HEADER_PUSHED && at < ARM64_HEADER_SIZE ? 16 : 0;
		return true;
	}
	return false;
}

enum wb_err wb_compact_stub(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, int32_t *ret_pushed)
{
	static const char *const stubs[] = { "__stubs", "__auth_stubs", "__objc_stubs" };
	const struct wb_section *section;

	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++) {
		if (section_at(image, stubs[i], image_pc, &section)) {
			*ret_pushed = 0;
			return WB_OK;
		}
	}
	if (section_at(image, "__stub_helper", image_pc, &section) &&
	    helper_pushed(image, arch, section->vaddr, image_pc - section->vaddr, ret_pushed))
		return WB_OK;
	return WB_NONE;
}
