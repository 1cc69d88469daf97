/* ---- CUDA graphs ----
 * What one thread puts into a stream between NAME_graph_begin and NAME_graph_end is not done but
 * becomes a graph, which NAME_graph_launch puts into a stream as one piece:
 *
 *   void *graph;
 *   int status = NAME_graph_begin(stream);
 *   if (!status) status = NAME_forward(&net, n, ..., stream);
 *   int ended = NAME_graph_end(stream, &graph);
 *   while (!status && !ended && ...) status = NAME_graph_launch(graph, stream);
 *   NAME_graph_free(graph);
 *
 * The stream is one that the caller made, not NULL. n and all pointers are those of the capture.
 * NAME_graph_end ends it in any case; where something in between failed it sets *graph to NULL. A
 * graph is a cudaGraphExec_t, memory of the runtime's: nothing else here allocates any. */
int NAME_graph_begin(void *stream);
int NAME_graph_end(void *stream, void **graph);
int NAME_graph_launch(void *graph, void *stream);
int NAME_graph_free(void *graph); /* NULL: there is nothing to free */
