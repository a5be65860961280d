import Testing
import VoxTensors

@Suite struct ComparisonTests {
    @Test func equalArrays() {
        for values in [[], [1, -2], [Double.nan, .infinity, -.infinity, 0]] as [[Double]] {
            let comparison = Comparison(values, expected: values)
            #expect(comparison.worstIndex == nil && comparison.absoluteError == 0, "\(values)")
            #expect(comparison.description == "equal")
        }
        #expect(Comparison([-0.0], expected: [0]).worstIndex == nil)
    }

    @Test func theWorstElementIsReported() {
        let comparison = Comparison([1, 2.5, 30, 4], expected: [1, 2, 32, 4.5])
        #expect(comparison.worstIndex == 2)
        #expect(comparison.received == 30 && comparison.expected == 32)
        #expect(comparison.absoluteError == 2)
        #expect(comparison.relativeError == 2.0 / 32)
        #expect(comparison.ulpError == 2 / Double((32 as Float).ulp))
        #expect(comparison.description.hasPrefix("worst at 2: 30.0 instead of 32.0"))
    }

    @Test func oneUnitOfTheLastPlace() {
        for value in [1, 3, 1e-20, 5e10] as [Float] {
            #expect(Comparison([Double(value.nextUp)], expected: [Double(value)]).ulpError == 1, "\(value)")
            #expect(Comparison([Double(-value.nextUp)], expected: [Double(-value)]).ulpError == 1, "\(-value)")
        }
    }

    @Test func notANumberIsInfinitelyWrong() {
        for (received, expected) in [(Double.nan, 1.0), (1, .nan), (.infinity, 1), (1, .infinity), (.infinity, -.infinity), (.nan, .infinity)] {
            let comparison = Comparison([5, received, 0], expected: [5, expected, 1e300])
            #expect(comparison.worstIndex == 1, "\(received) for \(expected)")
            #expect(comparison.absoluteError == .infinity, "\(received) for \(expected)")
            #expect(comparison.relativeError == .infinity, "\(received) for \(expected)")
            #expect(comparison.ulpError == .infinity, "\(received) for \(expected)")
        }
    }

    @Test func anyErrorAgainstZeroIsRelativelyInfinite() {
        let comparison = Comparison([1e-30], expected: [0])
        #expect(comparison.absoluteError == 1e-30 && comparison.relativeError == .infinity)
        #expect(comparison.ulpError > 1e10)
    }
}
