// SPDX-License-Identifier: MIT

// A program that dies in the way that it is told to, with goroutines in all the states that it can arrange.
package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

type tree struct{ left, right *tree }

//go:noinline
func (t *tree) walk(depth int, visit func()) {
	if depth == 0 {
		visit()
		return
	}
	t.walk(depth-1, visit)
	sink += depth
}

var sink int
var spinning = make(chan bool)

func spin() {
	spinning <- true
	for i := 0; ; i++ {
		sink++
	}
}

func inSyscall() {
	var fds [2]int
	if syscall.Pipe(fds[:]) == nil {
		var buffer [1]byte
		syscall.Read(fds[0], buffer[:])
	}
}

func labelled() {
	labels := pprof.Labels("worker", "reader", "path", "/a b")
	pprof.Do(context.Background(), labels, func(context.Context) { (&tree{}).walk(3, func() { select {} }) })
}

type locker interface{ Lock() }

func startAll() {
	var mutex sync.Mutex
	var none chan int
	mutex.Lock()
	go func() { <-none }()
	go func() { var l locker = &mutex; l.Lock() }()
	go func() { time.Sleep(time.Hour) }()
	go func() { (&tree{}).walk(500, func() { <-none }) }()
	go func() { runtime.LockOSThread(); <-none }()
	go mutex.Lock()
	go inSyscall()
	go labelled()
	go func() {
		defer func() { recover(); <-none }()
		var t *tree
		t.left.walk(1, nil)
		_ = *t
	}()
	startForeign()
	go spin()
	<-spinning
}

//go:noinline
func die(how string) {
	switch how {
	case "panic":
		panic("asked to")
	case "fault":
		var t *tree
		t.left = t
	case "throw":
		// Found by the map itself, which throws on the system stack.
		m := map[int]int{}
		for i := 0; i < 4; i++ {
			go func() {
				for j := 0; ; j++ {
					m[j] = j
				}
			}()
		}
		select {}
	case "overflow":
		// Found by the runtime on the system stack, where it was to make room.
		debug.SetMaxStack(1 << 16)
		(&tree{}).walk(1<<20, func() {})
	case "callback":
		callBack(func() { panic("asked to, by way of C") })
	case "abort":
		// To this goroutine's own thread: another may take one that is sent to the process, and the runtime then does not always end.
		runtime.LockOSThread()
		syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGABRT)
		select {}
	}
}

func main() {
	startAll()
	time.Sleep(100 * time.Millisecond)
	(&tree{}).walk(2, func() { die(os.Args[1]) })
}
