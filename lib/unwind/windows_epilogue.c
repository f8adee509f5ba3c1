/* SPDX-License-Identifier: MIT */
/*
 * What may be in an epilogue is fixed (Microsoft, "x64 prolog and epilog"): an addition to rsp, or lea from the frame register; pops; then a return, or a
 * jump out of the function. Encodings are those of Intel's manual, volume 2.
 */
#include "unwind/windows_epilogue.h"

#include "base/bytes.h"

enum { REX_B = 1, REX_W = 8, RSP = 4 };

static uint8_t rex_of(struct wb_bytes *b)
{
	return wb_bytes_left(b) && (*b->at & 0xf0) == 0x40 ? wb_bytes_u8(b) : 0;
}

/* add rsp, imm8 or imm32; lea rsp, [frame + disp8 or disp32]. Not there: nothing is read. */
static void read_release(struct wb_bytes *b, uint8_t frame_register, struct wb_windows_epilogue *ret)
{
	struct wb_bytes in = *b;
	uint8_t rex = rex_of(&in), opcode = wb_bytes_u8(&in), modrm = wb_bytes_u8(&in);
	bool wide = rex & REX_W;

	if (wide && !(rex & REX_B) && (opcode == 0x83 || opcode == 0x81) && modrm == 0xc4) {
		ret->offset = opcode == 0x83 ? (int8_t)wb_bytes_u8(&in) : (int32_t)wb_bytes_u32(&in);
	} else if (wide && opcode == 0x8d && (modrm & 0x38) == RSP << 3 && (modrm >> 6 == 1 || modrm >> 6 == 2) && frame_register &&
	           ((modrm & 7u) | (rex & REX_B ? 8u : 0u)) == frame_register) {
		/* r12 as a base has a SIB byte. */
		if ((modrm & 7) == RSP && wb_bytes_u8(&in) != 0x24)
			return;
		ret->from_frame = true;
		ret->offset = modrm >> 6 == 1 ? (int8_t)wb_bytes_u8(&in) : (int32_t)wb_bytes_u32(&in);
	} else {
		return;
	}
	if (wb_bytes_failed(&in)) {
		ret->from_frame = false;
		ret->offset = 0;
	} else {
		*b = in;
	}
}

static bool read_pop(struct wb_bytes *b, struct wb_windows_epilogue *ret)
{
	struct wb_bytes in = *b;
	uint8_t rex = rex_of(&in), opcode = wb_bytes_u8(&in), number = (uint8_t)((opcode & 7) | (rex & REX_B ? 8 : 0));

	if (wb_bytes_failed(&in) || (opcode & 0xf8) != 0x58 || number == RSP || ret->num_pops == WB_WINDOWS_POPS_MAX)
		return false;
	ret->pops[ret->num_pops++] = number;
	*b = in;
	return true;
}

/* A jump ends an epilogue if it leaves the function; back to its start is a call of itself. */
static bool leaves(struct wb_bytes *b, uint64_t rva, int64_t displacement, uint32_t begin, uint32_t end, struct wb_windows_epilogue *ret)
{
	ret->jumps = true;
	ret->target = rva + wb_bytes_offset(b) + (uint64_t)displacement;
	return !wb_bytes_failed(b) && (ret->target <= begin || ret->target >= end);
}

bool wb_windows_epilogue_read(const uint8_t *code, size_t size, uint64_t rva, uint32_t begin, uint32_t end, uint8_t frame_register,
                              struct wb_windows_epilogue *ret)
{
	struct wb_bytes b = wb_bytes_of(code, size, false);
	int64_t displacement;
	uint8_t rex, opcode;

	*ret = (struct wb_windows_epilogue){ .offset = 0 };
	read_release(&b, frame_register, ret);
	while (read_pop(&b, ret))
		;
	rex = rex_of(&b);
	opcode = wb_bytes_u8(&b);
	switch (opcode) {
	case 0xc3:
	case 0xc2: return !wb_bytes_failed(&b);
	case 0xf3: return wb_bytes_u8(&b) == 0xc3; /* rep ret */
	case 0xeb:
		displacement = (int8_t)wb_bytes_u8(&b);
		return leaves(&b, rva, displacement, begin, end, ret);
	case 0xe9:
		displacement = (int32_t)wb_bytes_u32(&b);
		return leaves(&b, rva, displacement, begin, end, ret);
	case 0xff:
		opcode = wb_bytes_u8(&b);
		/* jmp [rip + disp32], as imports are called; jmp reg with REX.W, which is needless, and there to tell an epilogue from a switch. */
		return !wb_bytes_failed(&b) && (opcode == 0x25 || ((opcode & 0xf8) == 0xe0 && rex & REX_W));
	default: return false;
	}
}
