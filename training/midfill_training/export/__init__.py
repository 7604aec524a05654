"""From a trained checkpoint to a GGUF and back, with proof: conversion, adapters, quantisation, verification."""
