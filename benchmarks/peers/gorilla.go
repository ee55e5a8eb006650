// gorilla/websocket on Go, from the packages of Debian: `gorilla [--tls FILE]`.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"

	"github.com/gorilla/websocket"
)

const maxMessageBytes = 2 * 1024 * 1024

var (
	deflate     = flag.Bool("deflate", false, "permessage-deflate")
	tls         = flag.String("tls", "", "file of key and certificates")
	subscribers = map[*websocket.Conn]bool{}
	guard       sync.Mutex
)

func open(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	upgrader := websocket.Upgrader{EnableCompression: *deflate}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil
	}
	conn.SetReadLimit(maxMessageBytes)
	return conn
}

// serve hands every message of a connection to receive until it ends.
func serve(conn *websocket.Conn, receive func(kind int, message []byte)) {
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		receive(kind, message)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	if conn := open(w, r); conn != nil {
		serve(conn, func(kind int, message []byte) { conn.WriteMessage(kind, message) })
	}
}

func publish(w http.ResponseWriter, r *http.Request) {
	if conn := open(w, r); conn != nil {
		serve(conn, func(kind int, message []byte) {
			prepared, _ := websocket.NewPreparedMessage(kind, message)
			guard.Lock()
			defer guard.Unlock()
			for subscriber := range subscribers {
				subscriber.WritePreparedMessage(prepared)
			}
		})
	}
}

func subscribe(w http.ResponseWriter, r *http.Request) {
	conn := open(w, r)
	if conn == nil {
		return
	}
	guard.Lock()
	subscribers[conn] = true
	guard.Unlock()
	serve(conn, func(int, []byte) {})
	guard.Lock()
	delete(subscribers, conn)
	guard.Unlock()
}

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(1) // one core, as everybody
	http.HandleFunc("/pub", publish)
	http.HandleFunc("/sub", subscribe)
	http.HandleFunc("/", echo)
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port, "gorilla", runtime.Version())
	if *tls != "" {
		panic(http.ServeTLS(listener, nil, *tls, *tls))
	}
	panic(http.Serve(listener, nil))
}
