// The program of the image that each pod of the development node starts with.
module kriptik.ai/tools/pause

go 1.26.0
