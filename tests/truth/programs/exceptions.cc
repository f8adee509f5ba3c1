// SPDX-License-Identifier: MIT
// C++ exceptions: thrown through frames with destructors, caught by value, base and ellipsis, rethrown, and thrown while one is being handled; virtual
// calls, constructors of static objects, and std::function-like indirection.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

int destroyed;

struct guard {
	int number;
	explicit guard(int n) : number(n) {}
	~guard() { destroyed += number; }
};

struct shape {
	virtual ~shape() {}
	virtual int area(int n) const = 0;
};
struct square : shape {
	int area(int n) const override
	{
		if (n > 4)
			throw std::out_of_range("too large: " + std::to_string(n));
		return n * n;
	}
};

__attribute__((noinline)) int deep(const shape &s, int n, int size)
{
	guard g(n);
	std::vector<int> v(static_cast<size_t>(n) + 1, n);
	return n ? deep(s, n - 1, size) + v[0] : s.area(size);
}

__attribute__((noinline)) int again(const shape &s)
{
	try {
		return deep(s, 3, 9);
	} catch (const std::runtime_error &) {
		return 1;
	} catch (const std::exception &e) {
		guard g(static_cast<int>(e.what()[0]));
		throw;
	}
}

__attribute__((noinline)) int nested(const shape &s)
{
	try {
		return again(s);
	} catch (...) {
		try {
			throw 17;
		} catch (int n) {
			return n;
		}
	}
}

struct global {
	std::string text;
	global() : text("constructed before main, long enough to be on the heap") {}
	~global() { destroyed++; }
} object;

} // namespace

int main()
{
	square s;
	std::printf("%d\n", deep(s, 2, 3));
	std::printf("%d %d\n", nested(s), destroyed);
	return object.text.empty();
}
