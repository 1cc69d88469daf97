/* ---- CUDA graphs ---- */

/* What was refused is said once, not again by the next call that asks for the last error. */
static int NAME_graph_status(cudaError_t error) {
  if (error == cudaSuccess) return NAME_OK;
  (void)cudaGetLastError();
  return NAME_E_DEVICE;
}

int NAME_graph_begin(void *stream) {
  if (!stream) return NAME_E_NULL;
  return NAME_graph_status(
      cudaStreamBeginCapture((cudaStream_t)stream, cudaStreamCaptureModeThreadLocal));
}

int NAME_graph_end(void *stream, void **graph) {
  cudaGraph_t captured = NULL;
  cudaGraphExec_t executable = NULL;
  if (!stream || !graph) return NAME_E_NULL;
  graph[0] = NULL;
  int status = NAME_graph_status(cudaStreamEndCapture((cudaStream_t)stream, &captured));
  if (status) return status;
  status = NAME_graph_status(cudaGraphInstantiateWithFlags(&executable, captured, 0));
  (void)cudaGraphDestroy(captured);
  if (!status) graph[0] = executable;
  return status;
}

int NAME_graph_launch(void *graph, void *stream) {
  if (!graph) return NAME_E_NULL;
  return NAME_graph_status(cudaGraphLaunch((cudaGraphExec_t)graph, (cudaStream_t)stream));
}

int NAME_graph_free(void *graph) {
  return graph ? NAME_graph_status(cudaGraphExecDestroy((cudaGraphExec_t)graph)) : NAME_OK;
}
