// SPDX-License-Identifier: MIT

// A goroutine that stays on its thread, and whose stack is large enough not to move: what is stepped through is in stepped. It calls, recurses, defers,
// panics and recovers, allocates (on the system's stack), asks for the time (in the vDSO) and makes system calls.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

func init() { runtime.LockOSThread() }

type shape interface{ area() float64 }
type square struct{ side float64 }
type circle struct{ radius float64 }

func (s square) area() float64  { return s.side * s.side }
func (c *circle) area() float64 { return 3 * c.radius * c.radius }

type wrapped struct{ shape }

//go:noinline
func sum(shapes []shape) (total float64) {
	for _, s := range shapes {
		total += s.area()
	}
	return total
}

func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

//go:noinline
func large(n int) byte {
	var pad [3000]byte
	for i := range pad {
		pad[i] = byte(i * n)
	}
	return pad[n%len(pad)]
}

func recovers(depth int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("depth %d: %v", depth, r)
		}
	}()
	if depth == 0 {
		panic("bottom")
	}
	if err := recovers(depth - 1); err != nil {
		panic(err)
	}
	return nil
}

func defers(n int) (order []int) {
	for i := 0; i < n; i++ {
		defer func(i int) { order = append(order, i) }(i)
	}
	return nil
}

type number interface{ ~int | ~float64 }

func largest[T number](values ...T) (best T) {
	for _, v := range values {
		if v > best {
			best = v
		}
	}
	return best
}

func allocates() string {
	words := map[string][]int{}
	for i := 0; i < 40; i++ {
		key := "key" + strconv.Itoa(i%7)
		words[key] = append(words[key], i)
	}
	keys := make([]string, 0)
	for k := range words {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var out bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&out, "%s=%v;", k, words[k])
	}
	return strings.ToUpper(out.String())
}

func waits() int {
	ch := make(chan int, 2)
	var lock sync.Mutex
	lock.Lock()
	ch <- 1
	lock.Unlock()
	select {
	case n := <-ch:
		return n
	default:
		return 0
	}
}

//go:noinline
func stepped() string {
	start := time.Now()
	total := sum([]shape{square{2}, &circle{1}, wrapped{square{3}}, &wrapped{&circle{2}}})
	text := fmt.Sprint(total, fibonacci(6), large(7), largest(1, 3, 2), largest(1.5, 0.5))
	text += allocates()
	text += fmt.Sprint(recovers(3), defers(3), waits(), os.Getpid(), errors.Is(os.ErrExist, os.ErrClosed))
	text += fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	return text + time.Since(start).String()
}

//go:noinline
func grow(n int) byte {
	var pad [4096]byte
	if n > 0 {
		pad[n%len(pad)] = grow(n - 1)
	}
	return pad[n]
}

func main() {
	debug.SetGCPercent(-1)
	grow(64)
	stepped()
}
