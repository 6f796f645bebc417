"""The embedded reader's own small model: rows from labelled answers, training, calibration, export to ONNX."""
