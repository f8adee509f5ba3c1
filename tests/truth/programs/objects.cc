// SPDX-License-Identifier: MIT
// C++ without its library: virtual calls, thunks, what is destroyed when an exception would pass (nothing throws), guards, lambdas, members by pointer.
#include <stddef.h>
#include <stdint.h>

#include "start.h"

static volatile int sink;
static char heap[1 << 16];
static size_t used;

extern "C" {
// Never called: nothing throws.
__attribute__((used)) void __gxx_personality_v0(void) { __builtin_trap(); }
__attribute__((used)) void _Unwind_Resume(void *) { __builtin_trap(); }
__attribute__((used)) void *__cxa_begin_catch(void *) noexcept { __builtin_trap(); }
__attribute__((used)) void __cxa_end_catch(void) { __builtin_trap(); }
__attribute__((used)) void __cxa_pure_virtual(void) { __builtin_trap(); }
__attribute__((used)) void __clang_call_terminate(void *) { __builtin_trap(); }
}
namespace std { __attribute__((used)) void terminate() noexcept { __builtin_trap(); } }

APART void *operator new(size_t size) { void *at = heap + used; used += (size + 15) & ~size_t(15); return at; }
APART void operator delete(void *at) noexcept { sink = sink + (at != nullptr); }
APART void operator delete(void *at, size_t) noexcept { operator delete(at); }

namespace {

APART int leaf(int a, int b) { return a * b + (a ^ b); }

struct guard {
	int number;
	APART explicit guard(int n) : number(n) { sink = sink + n; }
	APART ~guard() { sink = sink + number; }
};

struct shape {
	virtual ~shape() {}
	virtual int area(int n) const = 0;
	virtual double weight(double d) { return d; }
};
struct named {
	int name[3];
	virtual ~named() { sink = sink + 1; }
	virtual int called(int n) { return n; }
};
// called() and the destructor are reached by thunks from the second base.
struct square : shape, named {
	double side = 1.5;
	int area(int n) const override { return leaf(n, n) + static_cast<int>(side); }
	APART double weight(double d) override { return d * side + area(3); }
	int called(int n) override { guard g(n); return leaf(n, name[1]) + area(n); }
};
struct cube : square {
	virtual int volume(int n) { return area(n) * n; }
	int called(int n) override { return n > 0 ? square::called(n - 1) + volume(n) : 0; }
};
// Through a virtual base: its thunks look up how far to go.
struct base { int n = 3; virtual int get(int m) { return n + m; } virtual ~base() {} };
struct left : virtual base { int get(int m) override { return leaf(n, m); } };
struct right : virtual base { int more = 4; };
struct both : left, right { int get(int m) override { return left::get(m) + more; } };

template <typename F> APART int apply(const F &f, int n) { return n > 0 ? f(n) + apply(f, n - 1) : f(0); }

APART int deep(const shape &s, int n)
{
	guard g(n);
	guard other(n + 1);

	return n ? deep(s, n - 1) + s.area(n) : s.area(0);
}

struct big { long words[12]; };
APART big make(int n) { guard g(n); big b{}; for (int i = 0; i < 12; i++) b.words[i] = leaf(i, n); return b; }

APART long members(cube *c, int (cube::*f)(int), int n) { return (c->*f)(n) + make(n).words[n]; }

APART double floating(square *s, double a, double b)
{
	guard g(2);
	double total = 0;

	for (int i = 0; i < 3; i++)
		total += s->weight(a) * b + s->weight(total);
	return total;
}

APART int caught(const shape &s, int n)
{
	try {
		guard g(n);
		return deep(s, n);
	} catch (...) {
		return -1;
	}
}

APART int never_throws(const shape &s, int n) noexcept { guard g(n); return caught(s, n) + 1; }

} // namespace

int start(void)
{
	cube *c = new cube;
	shape *s = c;
	named *n = c;
	both *b = new both;
	base *v = b;
	right *r = b;
	int offset = 7;

	c->name[1] = 4;
	sink = sink + s->area(3) + n->called(3) + caught(*s, 2) + never_throws(*s, 1);
	sink = sink + apply([=](int k) { return leaf(k, offset); }, 4) + apply([&](int k) { guard g(k); return n->called(k & 1) + offset; }, 2);
	sink = sink + static_cast<int>(floating(c, 1.5, 2.5)) + static_cast<int>(members(c, &cube::volume, 3)) + static_cast<int>(members(c, &cube::called, 2));
	sink = sink + v->get(2) + r->get(3);
	delete n;
	delete v;
	leave(0);
}

extern "C" __attribute__((used)) void *memset(void *to, int value, size_t size)
{
	volatile char *out = static_cast<volatile char *>(to);

	for (size_t i = 0; i < size; i++)
		out[i] = static_cast<char>(value);
	return to;
}
extern "C" __attribute__((used)) void *memcpy(void *to, const void *from, size_t size)
{
	volatile char *out = static_cast<volatile char *>(to);

	for (size_t i = 0; i < size; i++)
		out[i] = static_cast<const char *>(from)[i];
	return to;
}
