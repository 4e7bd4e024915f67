package gateway

import "github.com/spf13/cobra"

func reconcileCommand() *cobra.Command { return &cobra.Command{Use: "reconcile"} }
