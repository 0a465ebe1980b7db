module cases

go 1.24

require (
	github.com/eclipse/paho.mqtt.golang v0.0.0
	golang.org/x/sync v0.0.0
)

replace (
	github.com/eclipse/paho.mqtt.golang => ../stubs/mqtt
	golang.org/x/sync => ../stubs/sync
)
