package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/localsocket"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// readyPatience is how long a server has to say that it is ready.
const readyPatience = 5 * time.Second

func serveReadyCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "ready",
		Short: "Ask whether the server of a folder is ready, for health checks of containers",
		Long: `Ask the server of a folder over its local socket whether it takes calls and has its database. The
exit code is 0 if so. It needs no address, no certificate and no token.`,
		Example: "  agenthost serve ready --data /var/lib/agenthost/data",
		Args:    args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), readyPatience)
			defer cancel()
			return askReady(ctx, data)
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "`folder` of the server's data")
	return cmd
}

// askReady returns an error unless the server of a folder is ready.
func askReady(ctx context.Context, data string) (err error) {
	conn, err := localsocket.Dial(ctx, data)
	if errors.Is(err, localsocket.ErrNoServer) {
		return &usageError{message: "no server listens in the folder " + data, hint: "start agenthost serve, or name its folder with --data"}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &abi.Error{Kind: abi.KindInternal, Message: "the server is not ready: it ends, or its database does not answer", Hint: "its log says more"}
	}
	return nil
}
