// SPDX-License-Identifier: MIT
// Where compilers put the code of functions in a unit's tree: members of local classes, lambdas in lambdas, anonymous namespaces, templates,
// virtual functions, constructors with two entries, calls inlined many levels deep and in several pieces.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

int sink;

namespace {

struct Hidden {
	int value;
	explicit Hidden(int v) : value(v) { sink += v; }
	virtual ~Hidden() { sink -= value; }
	virtual int twice() { return value * 2; }
};

template <int N> inline int deep(int x)
{
	return deep<N - 1>(x + sink) + (x > sink ? 1 : 2);
}
template <> inline int deep<0>(int x) { return x ^ sink; }

} // namespace

namespace outer { inline namespace v1 { namespace inner {

struct Shape : Hidden {
	struct Nested {
		static int made(int x) { return x + sink; }
		template <typename T> T any(T x) const { return x + static_cast<T>(sink); }
	};
	Nested nested;
	using Hidden::Hidden;
	int twice() override { return Nested::made(value) + nested.any(3) + nested.any(2L); }
};

__attribute__((noinline)) static int local_classes(int x)
{
	struct Local {
		int y;
		__attribute__((noinline)) int get() const
		{
			struct Inner {
				__attribute__((noinline)) static int of(int z) { return deep<3>(z); }
			};
			return Inner::of(y) + sink;
		}
		virtual int other() { return y - 1; }
		virtual ~Local() {}
	};
	std::unique_ptr<Local> local(new Local);

	local->y = x;
	auto outer_lambda = [&](int a) {
		auto inner_lambda = [&](int b) __attribute__((noinline)) { return a * b + x + deep<2>(b); };
		return inner_lambda(a + 1) + inner_lambda(a + 2);
	};
	return local->get() + local->other() + outer_lambda(x) + outer_lambda(x + 1);
}

} } } // namespace outer::v1::inner

__attribute__((cold, noinline)) static void cold_path(const std::string &text)
{
	throw std::runtime_error(text);
}

static int sorted(std::vector<int> numbers)
{
	std::map<std::string, int> counts;

	std::sort(numbers.begin(), numbers.end(), [](int a, int b) { return a % 7 < b % 7; });
	for (int number : numbers)
		counts[std::to_string(number)] += number;
	if (counts.size() > 100000)
		cold_path("too many");
	return static_cast<int>(counts.size());
}

int main(int argc, char **)
{
	outer::inner::Shape shape(argc);
	Hidden *hidden = &shape;
	std::function<int(int)> held = [argc](int x) { return x + argc + deep<4>(x); };

	try {
		sink = sorted({ argc, 3, 2, 1 });
	} catch (const std::exception &e) {
		sink = static_cast<int>(e.what()[0]);
	}
	return hidden->twice() + outer::inner::local_classes(argc) + held(2) > 1000000;
}
