package translate

var responsesCodec = codec{}
