/* SPDX-License-Identifier: MIT */
/*
 * What functions save and take: each set of the registers that they must keep, by leaves and by functions that call; vector registers; frames of all sizes
 * around what instructions and unwind formats can say at once; arguments that are pushed; calls that are jumps.
 */
#include <stddef.h>
#include <stdint.h>

#include "start.h"

static volatile int sink;

static APART int leaf(int a, int b)
{
	return a * b + (a ^ b);
}

/* ---- Registers. Each is saved because the function says that it overwrites it. ---- */

#define SAVES(name, ...) \
	static APART int leaf_##name(int n) { __asm__ volatile("" : : : __VA_ARGS__); return n + 1; } \
	static APART int call_##name(int n) { __asm__ volatile("" : : : __VA_ARGS__); return leaf_##name(n) + leaf(n, 2); } \
	static APART int call_vector_##name(int n) \
	{ \
		volatile char room[72]; \
		room[n & 63] = (char)n; \
		__asm__ volatile("" : : : VECTOR, __VA_ARGS__); \
		return leaf_##name(n) + leaf(n, 2) + room[n & 63]; \
	}
#define TRY(name) sink += leaf_##name(sink) + call_##name(sink) + call_vector_##name(sink);

#if defined(__x86_64__)
#define VECTOR "xmm6", "xmm7", "xmm8", "xmm15"
#define SETS(X) \
	X(b, "rbx") X(c, "r12") X(d, "r13") X(e, "r14") X(f, "r15") \
	X(bc, "rbx", "r12") X(bd, "rbx", "r13") X(be, "rbx", "r14") X(bf, "rbx", "r15") X(cd, "r12", "r13") X(ce, "r12", "r14") \
	X(cf, "r12", "r15") X(de, "r13", "r14") X(df, "r13", "r15") X(ef, "r14", "r15") \
	X(bcd, "rbx", "r12", "r13") X(bce, "rbx", "r12", "r14") X(bcf, "rbx", "r12", "r15") X(bde, "rbx", "r13", "r14") \
	X(bdf, "rbx", "r13", "r15") X(bef, "rbx", "r14", "r15") X(cde, "r12", "r13", "r14") X(cdf, "r12", "r13", "r15") \
	X(cef, "r12", "r14", "r15") X(def, "r13", "r14", "r15") \
	X(bcde, "rbx", "r12", "r13", "r14") X(bcdf, "rbx", "r12", "r13", "r15") X(bcef, "rbx", "r12", "r14", "r15") \
	X(bdef, "rbx", "r13", "r14", "r15") X(cdef, "r12", "r13", "r14", "r15") X(bcdef, "rbx", "r12", "r13", "r14", "r15")
#else
#define VECTOR "d8", "d9", "d12"
#define SETS(X) \
	X(x1, "x19") X(x2, "x19", "x20") X(x3, "x19", "x20", "x21") X(x4, "x19", "x20", "x21", "x22") X(x5, "x19", "x20", "x21", "x22", "x23") \
	X(x6, "x19", "x20", "x21", "x22", "x23", "x24") X(x8, "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26") \
	X(x9, "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27") \
	X(x10, "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28") X(odd, "x20", "x23", "x28") X(last, "x28") X(pair, "x21", "x22") \
	X(d1, "d8") X(d2, "d8", "d9") X(d3, "d8", "d9", "d10") X(d4, "d8", "d9", "d10", "d11") X(d5, "d8", "d9", "d10", "d11", "d12") \
	X(d8, "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15") X(d15, "d15") X(dodd, "d9", "d14") \
	X(mixed, "x19", "d8") X(mixed2, "x19", "x20", "d8", "d9") X(mixed3, "x19", "x20", "x21", "d8", "d9", "d10") \
	X(whole, "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15")
#endif

#define DEFINE(name, ...) SAVES(name, __VA_ARGS__)
#define CALL(name, ...) TRY(name)
SETS(DEFINE)

static APART void save_all(void)
{
	SETS(CALL)
}

/* Values that live in vector registers across calls. */
static APART double scale(double a, double b)
{
	return a * 1.5 + b;
}

static APART double blend(double a, double b, double c, double d, int n)
{
	double e = scale(a, b), f = scale(c, d);

	for (int i = 0; i < n; i++)
		e += scale(e, f) * a - b;
	return e + f * c - d;
}

/* ---- Frames. ---- */

#define FRAME(size) \
	static APART int frame_##size(int n) \
	{ \
		volatile char room[size]; \
		room[0] = (char)n; \
		room[size - 1] = (char)(n + 1); \
		return n > 0 ? frame_##size(n - 1) + room[0] : leaf(room[size - 1], n); \
	} \
	static APART int leaf_frame_##size(int n) \
	{ \
		volatile char room[size]; \
		room[0] = (char)n; \
		room[size - 1] = (char)(n + 1); \
		return room[0] + room[size - 1]; \
	}
#define SIZES(X) \
	X(8) X(24) X(40) X(120) X(200) X(248) X(256) X(440) X(496) X(512) X(520) X(1000) X(2024) X(2048) X(4000) X(4080) X(4096) X(4112) X(8192) \
	X(65520) X(65536) X(70000) X(262144) X(400000)
#define TRY_FRAME(size) sink += frame_##size(1) + leaf_frame_##size(sink & 3);

SIZES(FRAME)

static APART void take_all(void)
{
	SIZES(TRY_FRAME)
}

/* A large frame whose function also keeps registers, and one that grows. */
static APART int busy(int a, int b, int c, int d, int e)
{
	volatile char room[5000];
	int total = 0;

	for (int i = 0; i < 2; i++) {
		room[i] = (char)a;
		total += leaf(a, b) + leaf(c, d) * e + room[i];
	}
	return total;
}

static APART int growing(int n)
{
	volatile char room[6000];
	int total = 0;

	room[5] = (char)n;
	for (int i = 1; i < n; i++) {
		volatile char *more = __builtin_alloca((size_t)i * 200);

		more[0] = (char)i;
		total += leaf(more[0], i) + busy(i, n, total, 1, 2);
	}
	return total + room[5];
}

/* ---- Arguments on the stack. ---- */

struct big { long words[9]; };

static APART long by_value(struct big big, int n)
{
	return big.words[n] + n;
}

static APART struct big make(int n)
{
	struct big big;

	for (int i = 0; i < 9; i++)
		big.words[i] = n * i;
	return big;
}

static APART long many(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k)
{
	return a + 2 * b + 3 * c + d * e + f * g + h - i * j + k + leaf((int)a, (int)k);
}

static APART long pass(int n)
{
	struct big big = make(n);
	long total = 0;

	for (int i = 0; i < 3; i++)
		total += many(n, i, n, i, n, i, n, i, n, i, total) + by_value(big, i);
	return total;
}

/* ---- Jumps in place of calls. ---- */

static APART int last(int n)
{
	return leaf(n, sink);
}

static int (*volatile chosen)(int) = last;

static APART int by_pointer(int n)
{
	sink += leaf(n, 3);
	return chosen(n + 1);
}

static APART int by_branch(int n, int m)
{
	if (n == 0)
		return last(m);
	if (n == 1)
		return by_pointer(m);
	sink += leaf(n, m);
	return n > 4 ? last(n) : by_branch(n - 1, m + 1);
}

static APART int with_room(int n)
{
	volatile char room[300];

	for (int i = 0; i < n; i++)
		room[i] = (char)leaf(i, n);
	sink += room[n / 2];
	return by_branch(n, sink & 3);
}

/* ---- Ends. ---- */

static __attribute__((noreturn)) APART void fail(int n)
{
	volatile char room[64];

	room[n & 15] = 1;
	sink += room[n & 15];
	leave(0);
}

static APART int must_be(int n)
{
	if (n != 5)
		return leaf(n, n);
	fail(n);
}

/* Systems give stack where it is touched: a frame that was taken and not touched yet would lie outside of it. */
static APART void grow(void)
{
	volatile char *here = (volatile char *)__builtin_frame_address(0);

	for (long i = 1; i < 300; i++)
		here[-4096 * i] = 0;
}

APART int start(void)
{
	grow();
	save_all();
	sink += (int)blend(1, 2, 3, 4, 3);
	take_all();
	sink += growing(5) + (int)pass(3);
	for (int i = 0; i < 6; i++)
		sink += with_room(i + 1);
	return must_be(4) + must_be(5);
}

/* What compilers call by themselves. */
__attribute__((used)) void *memcpy(void *to, const void *from, size_t size)
{
	volatile char *out = to;
	const char *in = from;

	for (size_t i = 0; i < size; i++)
		out[i] = in[i];
	return to;
}

__attribute__((used)) void *memset(void *to, int value, size_t size)
{
	volatile char *out = to;

	for (size_t i = 0; i < size; i++)
		out[i] = (char)value;
	return to;
}
