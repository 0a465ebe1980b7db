package main

import "cases/testonlyhelpers/server"

func main() {
	accept := make(chan string)
	server.New().Start(accept)
	accept <- "first"
}
