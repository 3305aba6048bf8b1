package localpg

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are chosen below 32768, where Linux begins to hand out ports for outgoing connections:
// a stopped server's port must still be free when it starts again.
const lowestPort, highestPort = 20000, 32767

// ports remembers which ports this process gave away, so that a stopped cluster keeps its own.
var ports = struct {
	sync.Mutex
	taken map[int]bool
}{taken: map[int]bool{}}

// takePort returns a free port that no cluster of this process has.
func takePort(addresses []string) (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		if !ports.taken[port] && portFree(addresses, port) {
			ports.taken[port] = true
			return port, nil
		}
	}
	return 0, errors.New("found no free TCP port between 20000 and 32767")
}

func freePort(port int) {
	ports.Lock()
	defer ports.Unlock()
	delete(ports.taken, port)
}

// portFree binds the port for a moment. Somebody may still take it before the server does, so
// the start must be ready for that.
func portFree(addresses []string, port int) bool {
	for _, a := range addresses {
		l, err := net.Listen("tcp", net.JoinHostPort(a, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// loopback lists the loopback addresses that can be listened on.
func loopback() []string {
	addresses := []string{"127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		_ = l.Close()
		addresses = append(addresses, "::1")
	}
	return addresses
}
