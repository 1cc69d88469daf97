/* Bytes of a context, sizeof(NAME), for languages that do not read this file. */
size_t NAME_context_size(void);
/* Version of cnnc, network, target and the hashes of network and plan, as one line. */
const char *NAME_info(void);
