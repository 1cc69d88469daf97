/* optimizers.h - every optimiser, with what may go with it: ROW(title, the keys of "optimizer"). */
#ifndef OPTIMIZERS_H
#define OPTIMIZERS_H

#define OPTIMIZERS(ROW)                                                                            \
  ROW("nesterov, clipped", "\"op\": \"sgd\", \"lr\": 0.05, \"momentum\": 0.9, "                    \
                           "\"nesterov\": true, \"clip_norm\": 0.3, \"weight_decay\": 0.01, "      \
                           "\"decay_bias_norm\": false")                                           \
  ROW("adam, warmed up, with cosine", "\"op\": \"adam\", \"lr\": 0.01, \"eps\": 0.1, "             \
                                      "\"weight_decay\": 0.01, \"schedule\": \"cosine\", "         \
                                      "\"period\": 3, \"warm_up\": 2")                             \
  ROW("adamw in steps", "\"op\": \"adamw\", \"lr\": 0.01, \"eps\": 0.1, \"schedule\": \"step\", "  \
                        "\"period\": 1, \"gamma\": 0.5")                                           \
  ROW("rmsprop, centered", "\"op\": \"rmsprop\", \"lr\": 0.01, \"eps\": 0.1, \"momentum\": 0.9, "  \
                           "\"centered\": true")                                                   \
  ROW("adagrad", "\"op\": \"adagrad\", \"lr\": 0.01, \"initial\": 0.5, \"lr_decay\": 0.1")

#endif
