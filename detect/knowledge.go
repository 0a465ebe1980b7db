// This file is the table of library knowledge: who starts goroutines, what waits for them,
// which methods are locks, who registers handlers, who only reads what it is given.

package detect

import (
	"go/types"
	"strings"
)

// A Knowledge extends the built-in table, and goes before it. Names are as go/types prints
// them: "pkg.Func" or "(*pkg.Type).Method", without type arguments.
type Knowledge struct {
	Spawners []string // run their function arguments in another goroutine
	Sync     []string // call their function arguments before they return
	Once     []string // call them at most once, before all that follows
	Handlers []string // run their function arguments in many goroutines
	Readers  []string // only read the maps they are given
	Waits    []string // return when the goroutines that the function started have ended

	// Locks take what is their receiver or first argument for writing, RLocks for
	// reading; Unlocks give either back.
	Locks, RLocks, Unlocks []string
}

type effect uint8

const (
	effectUnknown effect = iota
	effectSpawn          // runs its function arguments in a goroutine
	effectHandler        // runs its function arguments in many goroutines
	effectSync           // calls its function arguments before it returns
	effectOnce           // calls its function argument once, before all that follows
)

// containers are packages whose generic code keeps values or moves them about, but calls none
// of their methods.
var containers = map[string]bool{
	"sync": true, "sync/atomic": true, "slices": true, "maps": true, "sort": true, "cmp": true, "iter": true,
}

// effects of functions that are not first-party on the function values given to them.
var effects = map[string]effect{
	"(*golang.org/x/sync/errgroup.Group).Go":           effectSpawn,
	"(*golang.org/x/sync/errgroup.Group).TryGo":        effectSpawn,
	"(*sync.WaitGroup).Go":                             effectSpawn,
	"time.AfterFunc":                                   effectSpawn,
	"context.AfterFunc":                                effectSpawn,
	"runtime.SetFinalizer":                             effectSpawn,
	"runtime.AddCleanup":                               effectSpawn,
	"(*github.com/oklog/run.Group).Add":                effectSpawn,
	"(*github.com/sourcegraph/conc.WaitGroup).Go":      effectSpawn,
	"(*github.com/sourcegraph/conc/pool.Pool).Go":      effectHandler,
	"(*github.com/panjf2000/ants/v2.Pool).Submit":      effectHandler,
	"(*github.com/robfig/cron/v3.Cron).AddFunc":        effectSpawn,
	"(*golang.org/x/sync/singleflight.Group).DoChan":   effectHandler,
	"k8s.io/apimachinery/pkg/util/wait.Until":          effectSync,
	"k8s.io/client-go/tools/cache.WaitForCacheSync":    effectSync,
	"k8s.io/client-go/util/workqueue.ParallelizeUntil": effectHandler,
	"net/http.HandleFunc":                              effectHandler,
	"net/http.Handle":                                  effectHandler,
	"(*net/http.ServeMux).HandleFunc":                  effectHandler,
	"(*net/http.ServeMux).Handle":                      effectHandler,
	"net/http.ListenAndServe":                          effectHandler,
	"expvar.Publish":                                   effectHandler,
	// Fields of library structs: what is stored there is called from many goroutines.
	"net/http.Server.ConnState":                                 effectHandler,
	"net/http.Server.ConnContext":                               effectHandler,
	"net/http.Server.BaseContext":                               effectSpawn,
	"net/http.Transport.DialContext":                            effectHandler,
	"net/http.Transport.Dial":                                   effectHandler,
	"net/http.Transport.DialTLS":                                effectHandler,
	"net/http.Transport.DialTLSContext":                         effectHandler,
	"net/http.Transport.Proxy":                                  effectHandler,
	"net/http.Client.CheckRedirect":                             effectHandler,
	"net/http/httputil.ReverseProxy.Director":                   effectHandler,
	"net/http/httputil.ReverseProxy.Rewrite":                    effectHandler,
	"net/http/httputil.ReverseProxy.ModifyResponse":             effectHandler,
	"net/http/httputil.ReverseProxy.ErrorHandler":               effectHandler,
	"crypto/tls.Config.GetCertificate":                          effectHandler,
	"crypto/tls.Config.GetClientCertificate":                    effectHandler,
	"crypto/tls.Config.GetConfigForClient":                      effectHandler,
	"crypto/tls.Config.VerifyPeerCertificate":                   effectHandler,
	"crypto/tls.Config.VerifyConnection":                        effectHandler,
	"net/http.ListenAndServeTLS":                                effectHandler,
	"(*github.com/gorilla/mux.Router).HandleFunc":               effectHandler,
	"(*github.com/gorilla/mux.Router).Handle":                   effectHandler,
	"(*github.com/julienschmidt/httprouter.Router).Handle":      effectHandler,
	"(*github.com/julienschmidt/httprouter.Router).HandlerFunc": effectHandler,
	"(*github.com/julienschmidt/httprouter.Router).Handler":     effectHandler,
	"(*github.com/julienschmidt/httprouter.Router).GET":         effectHandler,
	"(*github.com/julienschmidt/httprouter.Router).POST":        effectHandler,
	"(*sync.Once).Do":                                           effectOnce,
	"sync.OnceFunc":                                             effectOnce,
	"sync.OnceValue":                                            effectOnce,
	"sync.OnceValues":                                           effectOnce,
	"(*sync.Map).Range":                                         effectSync,
	"(*golang.org/x/sync/singleflight.Group).Do":                effectSync,
	"path/filepath.Walk":                                        effectSync,
	"path/filepath.WalkDir":                                     effectSync,
	"io/fs.WalkDir":                                             effectSync,
	"go/ast.Inspect":                                            effectSync,
	"(*testing.T).Run":                                          effectSync,
	"(*testing.B).Run":                                          effectSync,
	"(*testing.T).Cleanup":                                      effectSync,
	"testing.AllocsPerRun":                                      effectSync,
	"(*flag.FlagSet).Visit":                                     effectSync,
	"(*flag.FlagSet).VisitAll":                                  effectSync,
	"flag.Visit":                                                effectSync,
	"flag.VisitAll":                                             effectSync,
	"flag.Func":                                                 effectSync,
	"net/http/pprof.Do":                                         effectSync,
	"runtime/pprof.Do":                                          effectSync,
	"(*container/ring.Ring).Do":                                 effectSync,
	"(*github.com/spf13/pflag.FlagSet).VisitAll":                effectSync,
	"github.com/cenkalti/backoff.Retry":                         effectSync,
	"github.com/cenkalti/backoff/v4.Retry":                      effectSync,
	"(*github.com/google/btree.BTree).Ascend":                   effectSync,
	"(*github.com/hashicorp/golang-lru.Cache).Each":             effectSync,
	"(*go.etcd.io/bbolt.DB).View":                               effectSync,
	"(*go.etcd.io/bbolt.DB).Update":                             effectSync,
	"(*github.com/syndtr/goleveldb/leveldb.DB).ForEach":         effectSync,
}

// packages whose functions call function arguments before they return.
var syncPackages = map[string]bool{
	"sort": true, "slices": true, "maps": true, "strings": true, "bytes": true, "iter": true,
	"container/heap": true, "unicode": true, "text/template": false, "golang.org/x/exp/slices": true,
	"golang.org/x/exp/maps": true, "github.com/samber/lo": true,
}

// effectOf classifies a function that is not first-party, by its full name and package.
func (k *Knowledge) effectOf(full, pkg string) effect {
	if k != nil {
		full := plainName(full)
		switch {
		case contains(k.Spawners, full):
			return effectSpawn
		case contains(k.Handlers, full):
			return effectHandler
		case contains(k.Sync, full):
			return effectSync
		case contains(k.Once, full):
			return effectOnce
		}
	}
	if e, ok := effects[full]; ok {
		return e
	}
	if syncPackages[pkg] {
		return effectSync
	}
	return effectUnknown
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// handlerArguments: a function of one such argument is a handler of a router's.
var handlerArguments = map[string]bool{
	"github.com/gin-gonic/gin.Context": true, "github.com/labstack/echo/v4.Context": true, "github.com/labstack/echo.Context": true,
	"github.com/gofiber/fiber/v2.Ctx": true, "github.com/gofiber/fiber/v3.Ctx": true, "github.com/valyala/fasthttp.RequestCtx": true,
	"github.com/beego/beego/v2/server/web/context.Context": true,
}

// A contract is a library interface whose documentation demands that its methods may be
// called from several goroutines at once (rule C7).
type contract struct {
	Name    string
	Methods []string // as methodSig spells them; all must be there
	Whole   bool     // all methods of the type are meant, not only the interface's
}

var contracts = []contract{
	{"context.Context", []string{"Deadline()(time.Time,bool,)", "Done()(<-chan struct{},)", "Err()(error,)", "Value(any,)(any,)"}, true},
	{"http.RoundTripper", []string{"RoundTrip(*net/http.Request,)(*net/http.Response,error,)"}, false},
	{"slog.Handler", []string{"Handle(context.Context,log/slog.Record,)(error,)"}, false},
	{"prometheus.Collector", []string{"Collect(chan<- github.com/prometheus/client_golang/prometheus.Metric,)()"}, false},
	{"driver.Connector", []string{"Connect(context.Context,)(database/sql/driver.Conn,error,)"}, false},
	{"http.CookieJar", []string{"SetCookies(*net/url.URL,[]*net/http.Cookie,)()", "Cookies(*net/url.URL,)([]*net/http.Cookie,)"}, false},
}

// mapEffects: what library functions do to map arguments, by position; others escape.
var mapEffects = map[string][]Op{
	"maps.Keys": {Range}, "maps.Values": {Range}, "maps.All": {Range}, "maps.Clone": {Range},
	"maps.Copy": {Write, Range}, "maps.Insert": {Write}, "maps.DeleteFunc": {Delete},
	"maps.Equal": {Range, Range}, "maps.EqualFunc": {Range, Range},
	"golang.org/x/exp/maps.Keys": {Range}, "golang.org/x/exp/maps.Values": {Range},
	"golang.org/x/exp/maps.Clone": {Range}, "golang.org/x/exp/maps.Copy": {Write, Range},
	"golang.org/x/exp/maps.Clear": {Clear}, "golang.org/x/exp/maps.DeleteFunc": {Delete},
	"golang.org/x/exp/maps.Equal": {Range, Range},
	"(net/http.Header).Get":       {Read}, "(net/http.Header).Values": {Read}, "(net/http.Header).Clone": {Range},
	"(net/http.Header).Set": {Write}, "(net/http.Header).Add": {Update}, "(net/http.Header).Del": {Delete},
	"(net/http.Header).Write": {Range},
	"(net/url.Values).Get":    {Read}, "(net/url.Values).Set": {Write}, "(net/url.Values).Add": {Update},
	"(net/url.Values).Del": {Delete}, "(net/url.Values).Has": {Read}, "(net/url.Values).Encode": {Range},
	"reflect.DeepEqual": {Range, Range},
}

// A getter is a library function whose result is what an argument is, or what it holds.
type getter struct {
	arg, result int
	elem        bool // an element of it
}

// getters by name without type arguments (rule I4).
var getters = map[string]getter{
	"(*sync/atomic.Pointer).Load":            {},
	"(*sync/atomic.Value).Load":              {},
	"(*sync.Map).Load":                       {elem: true},
	"(*sync.Map).LoadOrStore":                {elem: true},
	"(*net/http.Request).Context":            {},
	"(*net/http.Request).WithContext":        {arg: 1},
	"context.WithCancel":                     {},
	"context.WithCancelCause":                {},
	"context.WithTimeout":                    {},
	"context.WithTimeoutCause":               {},
	"context.WithDeadline":                   {},
	"context.WithDeadlineCause":              {},
	"context.WithoutCancel":                  {},
	"context.WithValue":                      {},
	"golang.org/x/sync/errgroup.WithContext": {result: 1},
	"(*golang.org/x/sync/syncmap.Map).Load":  {elem: true},
}

// keepers put arguments where the getters find them: others know them from then on.
var keepers = map[string][]int{
	"(*sync/atomic.Pointer).Store":          {1},
	"(*sync/atomic.Pointer).Swap":           {1},
	"(*sync/atomic.Pointer).CompareAndSwap": {2},
	"(*sync/atomic.Value).Store":            {1},
	"(*sync/atomic.Value).Swap":             {1},
	"(*sync/atomic.Value).CompareAndSwap":   {2},
	"(*sync.Map).Store":                     {2},
	"(*sync.Map).LoadOrStore":               {2},
	"(*sync.Map).Swap":                      {2},
	"(*sync.Map).CompareAndSwap":            {3},
	"context.WithValue":                     {2},
}

// makers return a map of their own.
var makers = map[string]bool{"maps.Clone": true, "maps.Collect": true, "golang.org/x/exp/maps.Clone": true, "(net/http.Header).Clone": true}

// readerPackages only read what they are given (rule K3).
var readerPackages = map[string]bool{
	"fmt": true, "log": true, "log/slog": true, "encoding/json": true, "errors": true, "testing": true,
	"reflect": true, "encoding/gob": true, "gopkg.in/yaml.v3": true, "gopkg.in/yaml.v2": true,
	"github.com/sirupsen/logrus": true, "go.uber.org/zap": true, "github.com/rs/zerolog": true,
	"google.golang.org/grpc/status": true, "github.com/pkg/errors": true,
}

// encoders walk everything below the pointer they are given; templates, what they name of it.
var encoders = map[string]bool{
	"encoding/json.Marshal": true, "encoding/json.MarshalIndent": true, "(*encoding/json.Encoder).Encode": true,
	"(*encoding/gob.Encoder).Encode": true, "gopkg.in/yaml.v3.Marshal": true, "gopkg.in/yaml.v2.Marshal": true,
	"(*gopkg.in/yaml.v3.Encoder).Encode": true,
	"(*text/template.Template).Execute":  true, "(*text/template.Template).ExecuteTemplate": true,
	"(*html/template.Template).Execute": true, "(*html/template.Template).ExecuteTemplate": true,
}

// decoders fill what an argument points to.
var decoders = map[string]int{
	"encoding/json.Unmarshal": 1, "(*encoding/json.Decoder).Decode": 1, "(*encoding/gob.Decoder).Decode": 1,
	"gopkg.in/yaml.v2.Unmarshal": 1, "gopkg.in/yaml.v3.Unmarshal": 1, "(*gopkg.in/yaml.v3.Decoder).Decode": 1,
	"sigs.k8s.io/yaml.Unmarshal": 1, "github.com/BurntSushi/toml.Decode": 1, "github.com/BurntSushi/toml.Unmarshal": 1,
	"github.com/mitchellh/mapstructure.Decode": 1,
}

// lazy functions return an iterator, and read the map when that is used (rule K6).
var lazy = map[string]bool{"maps.Keys": true, "maps.Values": true, "maps.All": true}

// callsBack: packages whose functions call these methods of their arguments at once.
var callsBack = map[string][]string{
	"container/heap": {"Push", "Pop", "Less", "Swap", "Len"},
	"sort":           {"Less", "Swap", "Len"},
}

// waits end the goroutines that a function started (rule O3).
var waits = map[string]bool{
	"(*sync.WaitGroup).Wait":                        true,
	"(*golang.org/x/sync/errgroup.Group).Wait":      true,
	"(*github.com/sourcegraph/conc.WaitGroup).Wait": true,
	"(*github.com/oklog/run.Group).Run":             true,
}

// retainers are verbs in the names of methods that keep what they are given.
var retainers = []string{"Register", "Add", "Set", "Subscribe", "Handle", "Serve", "Start", "Run", "Go", "Push", "Put", "Store", "Enqueue", "Submit", "Watch", "Listen", "Attach", "Insert", "Append", "Notify", "On", "Swap"}

// retains reports whether a function of that name, whose body is not known, may keep its arguments.
func retains(name string) bool {
	for _, v := range retainers {
		if strings.HasPrefix(name, v) || strings.HasPrefix(name, strings.ToLower(v[:1])+v[1:]) {
			return true
		}
	}
	return false
}

// listeners are verbs in the names of library functions that call the function they are
// given whenever something happens, in a goroutine of the library's.
var listeners = []string{"Subscribe", "QueueSubscribe", "AddRoute", "AddHandler", "AddEventHandler", "AddListener", "AddCallback", "AddFunc", "Handle", "On", "Register", "Watch", "Notify", "SetHandler", "SetCallback", "SetOn", "Consume"}

// listens reports whether a library function is, by its name, one of those (rule K5).
func listens(full string) bool {
	pkg, name := full, full[strings.LastIndexByte(full, '.')+1:]
	if i := strings.LastIndexByte(full, '/'); i < 0 && !strings.HasPrefix(full, "(") {
		pkg = ""
	}
	if pkg == "" {
		return false
	}
	for _, v := range listeners {
		if r, ok := strings.CutPrefix(name, v); ok && (r == "" || r[0] >= 'A' && r[0] <= 'Z') {
			return true
		}
	}
	return false
}

// lockOp is what a method does to a lock.
type lockOp uint8

const (
	notLock lockOp = iota
	opLock
	opRLock
	opUnlock
	opRUnlock
	opTryLock
	opTryRLock
)

// lockOpOf recognises a lock by its method set, not by its type's name (rule K1).
func lockOpOf(f *types.Func) lockOp {
	sig := f.Signature()
	if sig.Recv() == nil || sig.Params().Len() != 0 {
		return notLock
	}
	var op lockOp
	switch f.Name() {
	case "Lock":
		op = opLock
	case "RLock":
		op = opRLock
	case "Unlock":
		op = opUnlock
	case "RUnlock":
		op = opRUnlock
	case "TryLock":
		op = opTryLock
	case "TryRLock":
		op = opTryRLock
	default:
		return notLock
	}
	want := 0
	if op == opTryLock || op == opTryRLock {
		want = 1
	}
	if sig.Results().Len() != want || !hasLock(sig.Recv().Type()) {
		return notLock
	}
	return op
}

// hasLock reports whether values of a type can be locked and unlocked.
func hasLock(t types.Type) bool {
	if _, ok := t.(*types.Pointer); !ok && !types.IsInterface(t) {
		t = types.NewPointer(t)
	}
	return nullary(t, "Lock") && nullary(t, "Unlock")
}

// nullary reports whether a type has a method of that name without parameters and results.
func nullary(t types.Type, name string) bool {
	m, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
	f, ok := m.(*types.Func)
	return ok && f.Signature().Params().Len() == 0 && f.Signature().Results().Len() == 0
}

// isHTTPHandler reports whether a signature is that of an HTTP handler.
func isHTTPHandler(sig *types.Signature) bool {
	p := sig.Params()
	return p.Len() >= 2 && typeIs(p.At(0).Type(), "net/http", "ResponseWriter") &&
		typeIs(p.At(1).Type(), "net/http", "Request")
}

func typeIs(t types.Type, pkg, name string) bool {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == pkg
}
