console.log("generate: later")
