package main

import (
	"fmt"

	"cases/modplugins/agent"
	"cases/modplugins/plugins/disk"
	"cases/modplugins/plugins/mqtt"
)

func main() {
	a := &agent.Agent{Inputs: []agent.Input{mqtt.New(make(chan string)), disk.New(make(chan string))}}
	if err := a.Run(nil, func(s string) { fmt.Println(s) }); err != nil {
		fmt.Println(err)
	}
}
